"""Stores elsewhere: the contract, in memory and on S3 (a server on this machine), and their own."""

import errno
import json
import os
import subprocess
import sys
import time

import pytest
from storage_contract import StoreContract

from sgcampp.storage import lease
from sgcampp.storage.asking import TRIES, asked
from sgcampp.storage.location import store_at
from sgcampp.storage.store import Busy, Unreachable, walk


class TestMemoryStore(StoreContract):
    @pytest.fixture
    def store(self, request):
        return store_at(f"memory://{request.node.name}/root")

    def another(self, store):
        return store_at(store.shown())


class TestS3(StoreContract):
    @pytest.fixture
    def store(self, bucket):
        return store_at(f"s3://{bucket}/a/root")

    def another(self, store):
        return store_at(store.shown())


@pytest.fixture
def store(request):
    return store_at(f"memory://own/{request.node.name}")


def held_by(store, name, seconds, holder=("another machine", "1 1")):
    content = {"until": time.time() + seconds, "holder": list(holder)}
    store.put(name, json.dumps(content).encode())


def test_a_lease_that_has_ended_is_taken_over(store):
    store.write("run.lock", b"running")
    held_by(store, "run.lock@x000000000007", 20)
    for shared in (False, True):
        with pytest.raises(Busy), store.lock("run.lock", shared=shared):
            pytest.fail("locked twice")
    held_by(store, "run.lock@x000000000007", -1)
    with store.lock("run.lock") as held:
        assert sorted(walk(store, "")) == ["run.lock", "run.lock@x000000000008"]
        held.mark(b"")
    held_by(store, "run.lock@sabc", 20)
    with pytest.raises(Busy), store.lock("run.lock"):
        pytest.fail("locked though shared")
    held_by(store, "run.lock@sabc", -1)
    with store.lock("run.lock"):
        assert "run.lock@sabc" not in set(walk(store, ""))


def test_a_process_of_this_machine_that_died_holds_nothing(store):
    code = "from sgcampp.storage.lease import _myself; import json; print(json.dumps(_myself()))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    held_by(store, "run.lock@x000000000001", 20, json.loads(done.stdout))
    with store.lock("run.lock"):
        pass
    held_by(store, "run.lock@x000000000009", 20, [lease._machine(), lease._process(os.getpid())])
    with pytest.raises(Busy), store.lock("run.lock"):
        pytest.fail("locked though its holder lives")


def test_who_loses_its_lease_writes_no_more(store):
    with store.lock("run.lock"), store.append("part") as appender:
        appender.append(b"1\n")
        (mine,) = store.leases
        mine._until = 0.0  # as after a sleep: still its own
        appender.append(b"2\n")
        held_by(store, "run.lock@x000000000002", 20)
        mine._until = 0.0
        for write in (lambda: appender.append(b"3\n"), lambda: store.write("a", iter([b"1"]))):
            with pytest.raises(lease.LeaseLost, match="took the lock over"):
                write()
        store.remove("run.lock@x000000000002")
        mine._lost = False
    assert store.read("part").data == b"1\n2\n"


def test_a_shared_lease_that_was_removed_is_lost_too(store):
    with store.lock("run.lock", shared=True):
        (mine,) = store.leases
        (name,) = (name for name in walk(store, "") if "@s" in name)
        store.remove(name)
        mine._until = 0.0
        with pytest.raises(lease.LeaseLost):
            store.write("a", b"1")


def test_leases_are_renewed_while_they_are_held(store, monkeypatch):
    monkeypatch.setattr(lease, "SECONDS", 0.5)
    with store.lock("run.lock"):
        before = store.read("run.lock@x000000000001").data
        deadline = time.monotonic() + 30
        while store.read("run.lock@x000000000001").data == before:
            assert time.monotonic() < deadline
            time.sleep(0.05)
        with pytest.raises(Busy), store_at(store.shown()).lock("run.lock"):
            pytest.fail("locked twice")


def test_waiting_ends_when_the_lock_is_free(store, monkeypatch):
    monkeypatch.setattr(lease, "_POLL", 0.01)
    store.write("a.lock", b"")
    held_by(store, "a.lock@x000000000001", 0.3)
    with store.lock("a.lock", wait=True):
        assert store.exists("a.lock@x000000000002")


def test_where_nothing_guards_locks_hold_nobody_off(store):
    store.guarded = False
    with store.lock("run.lock") as held, store.lock("run.lock"):
        held.mark(b"running")
    assert store.read("run.lock").data == b"running"


def test_parts_that_a_crash_left_tell_the_same_bytes(store):
    """It had joined two parts, and not yet removed the first."""
    store.write("m/part", b"1\n2\n")
    for offset, data in ((0, b"1\n"), (2, b"2\n"), (4, b"3\n"), (6, b"4\n"), (99, b"lost\n")):
        store.write(f"m/part@{offset:020d}", data)
    store.write("m/part@x", b"else\n")
    assert store.open_own("m/part").read() == b"1\n2\n3\n4\n"
    with store.append("m/part") as appender:
        appender.append(b"5\n")
    assert store.read("m/part").data == b"1\n2\n3\n4\n5\n"
    assert sorted(walk(store, "m")) == ["m/part", "m/part@x"]


def test_lines_can_be_read_while_more_are_appended(store, monkeypatch):
    with store.append("part") as appender:
        appender.append(b"1\n")
        at_once, read_range = iter([b"2\n", b"3\n"]), store.read_range

        def read_while_it_grows(name, start, size):
            for line in at_once:
                appender.append(line)
                break
            return read_range(name, start, size)

        monkeypatch.setattr(store, "read_range", read_while_it_grows)
        with store.open_own("part") as file:
            assert file.read() == b"1\n2\n3\n"


def test_lines_can_be_read_while_their_parts_are_made_one_file(store, monkeypatch):
    with store.append("part") as appender:
        appender.append(b"1\n")
    with store.append("part") as appender:
        appender.append(b"2\n")
        read = store.read

        def read_when_joined(name, *given, **named):
            if name != "part":
                monkeypatch.undo()
                appender.join()
            return read(name, *given, **named)

        monkeypatch.setattr(store, "read", read_when_joined)
        with store.open_own("part") as file:
            assert file.read() == b"1\n"  # all there was before
        with store.open_own("part") as file:
            assert file.read() == b"1\n2\n"


def test_parts_grow_to_a_size_and_no_further(store, monkeypatch):
    monkeypatch.setattr("sgcampp.storage.growing.PART_BYTES", 10)
    lines = [b"%04d\n" % number for number in range(7)]
    with pytest.raises(KeyboardInterrupt), store.append("part") as appender:
        for line in lines:
            appender.append(line)
        raise KeyboardInterrupt
    names = [f"part@{offset:020d}" for offset in (0, 10, 20, 30)]
    assert sorted(walk(store, "")) == ["part", *names]
    assert store.open_own("part").read() == b"".join(lines)


def test_what_may_pass_is_tried_again_and_what_will_not_is_told_at_once(monkeypatch):
    monkeypatch.setattr("sgcampp.storage.asking.FIRST_WAIT", 0.001)
    calls = []

    def failing(error, times):
        calls.append(1)
        if len(calls) <= times:
            raise error
        return "answer"

    assert asked(failing, RuntimeError("503"), TRIES - 1) == "answer"
    calls.clear()
    with pytest.raises(Unreachable, match="https://host/x refused") as info:
        asked(failing, RuntimeError("https://me:pw@host/x?sig=s refused"), 99)
    assert (len(calls), info.value.errno) == (TRIES, errno.EIO)
    for error, number in (
        (FileNotFoundError("gone"), errno.ENOENT),
        (PermissionError("no"), errno.EACCES),
    ):
        calls.clear()
        with pytest.raises(type(error)) as told:
            asked(failing, error, 99)
        assert (len(calls), told.value.errno) == (1, number)


def test_a_file_that_changed_since_it_was_listed_is_told(store):
    store.write("a", b"12345")
    known = next(store.list("")).stat
    for data in (b"123456", b"1234"):
        store.write("a", data)
        with pytest.raises(OSError, match="its size changed") as info:
            store.read("a", known=known)
        assert info.value.errno == errno.ESTALE


@pytest.mark.parametrize("fault", [500, 503, "cut", "drop"])
def test_each_fault_alone_is_survived(bucket, s3_faults, fault):
    store = store_at(f"s3://{bucket}/tree")
    store.write("a", b"x" * 1000)
    seen = []

    def once(method, path):
        if "/tree/a" in path and (method, path) not in seen:
            seen.append((method, path))
            return fault
        return None

    s3_faults.plan = once
    assert store.read("a").data == b"x" * 1000
    store.write("a", b"y")
    s3_faults.clear()
    assert store.read("a").data == b"y" and len(seen) >= 2
