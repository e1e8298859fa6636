"""What any store must do: subclass `StoreContract` with a fixture `store`, empty and of its own.

    class TestMyStore(StoreContract):
        @pytest.fixture
        def store(self): ...

`another(store)` makes a second view of the same storage, as another process would have.
"""

import errno
import os

import pytest

from sgcampp.storage.store import Busy, TooLarge, walk

ODD = os.fsdecode(b"a b/caf\xe9\n'\".jpg")


class StoreContract:
    """Each test gets an empty store."""

    def another(self, store):
        return store

    def test_what_is_written_is_read(self, store):
        for name in ("a.txt", "deep/er/b.txt", ODD):
            store.write(name, b"one")
            store.write(name, iter([b"tw", b"o"]))
            assert store.read(name).data == b"two"
            assert store.read(name).stat.size == store.stat(name).size == 3
            assert store.exists(name)

    def test_listings_tell_files_from_directories(self, store):
        for name in ("a", "d/b", "d/e/c"):
            store.write(name, b"")
        for directory, expected in (("", {"a": False, "d": True}), ("d", {"b": False, "e": True})):
            entries = list(store.list(directory))
            assert {entry.name: entry.is_directory for entry in entries} == expected
            assert all(entry.stat is None or entry.stat.size == 0 for entry in entries)
        assert sorted(walk(store, "d")) == ["d/b", "d/e/c"]

    def test_what_is_not_there_is_not_there(self, store):
        assert not store.exists("none")
        assert list(walk(store, "none")) == []
        looks = (store.stat, store.read, store.open_own, lambda name: list(store.list(name)))
        for look in (*looks, lambda name: store.open(name).read()):
            with pytest.raises(FileNotFoundError):
                look("none")
        store.remove("none")

    def test_a_file_that_is_too_large_is_not_read(self, store):
        store.write("a", b"12345")
        assert store.read("a", 5).data == b"12345"
        with pytest.raises(TooLarge) as info:
            store.read("a", 4)
        assert info.value.size == 5

    def test_a_directory_is_no_file(self, store):
        store.write("d/a", b"1")
        with pytest.raises(OSError) as info:
            store.read("d")
        assert info.value.errno in {errno.EISDIR, errno.ENOENT}

    def test_files_are_read_from_any_place(self, store):
        store.write("a", b"0123456789")
        for opened in (store.open, store.open_own):
            with opened("a") as file:
                file.seek(7)
                assert file.read(2) == b"78"
                file.seek(0)
                assert file.readline() == b"0123456789"

    def test_pieces_of_files_are_read(self, store):
        store.write("a", b"0123456789")
        assert store.read_range("a", 3, 4) == b"3456"
        assert store.read_range("a", 8, 4) == b"89"
        listed = {entry.name: entry.stat for entry in store.list("")}
        assert store.read("a", known=listed["a"]).data == b"0123456789"

    def test_a_file_that_is_created_is_there_when_it_is_whole(self, store):
        with store.create("deep/er/a") as file:
            file.write(b"one")
            assert file.tell() == 3
            file.write(b"two")
            assert not store.exists("deep/er/a")
        assert store.read("deep/er/a").data == b"onetwo"
        with pytest.raises(OSError, match="broken"), store.create("deep/er/a") as file:
            file.write(b"half")
            raise OSError(errno.EIO, "broken")
        assert store.read("deep/er/a").data == b"onetwo"
        assert sorted(walk(store, "")) == ["deep/er/a"]

    def test_a_broken_write_changes_nothing(self, store):
        def broken():
            yield b"half"
            raise OSError(errno.EIO, "broken")

        store.write("old", b"old")
        for name in ("old", "new"):
            with pytest.raises(OSError, match="broken"):
                store.write(name, broken())
        assert store.read("old").data == b"old"
        assert sorted(walk(store, "")) == ["old"]

    def test_lines_are_appended_and_kept(self, store):
        for line in (b"1\n", b"2\n"):
            with store.append("m/part") as appender:
                appender.append(line)
        assert store.read("m/part").data == b"1\n2\n"
        assert sorted(walk(store, "")) == ["m/part"]

    def test_lines_are_seen_and_kept_while_they_are_appended_and_when_their_writer_dies(
        self, store
    ):
        lines = [b"%d\n" % number for number in range(5)]
        with pytest.raises(KeyboardInterrupt), store.append("m/part") as appender:
            for line in lines[:3]:
                appender.append(line)
                with self.another(store).open_own("m/part") as file:
                    assert file.readlines() == lines[: lines.index(line) + 1]
            raise KeyboardInterrupt
        with store.append("m/part") as appender:
            for line in lines[3:]:
                appender.append(line)
            with store.open_own("m/part") as file:
                assert file.readlines() == lines
        assert store.read("m/part").data == b"".join(lines)

    def test_a_torn_line_is_gone_on_opening(self, store):
        store.write("part", b"whole\ntor")
        with store.append("part") as appender:
            appender.append(b"next\n")
        assert store.read("part").data == b"whole\nnext\n"

    def test_files_and_empty_directories_are_removed(self, store):
        store.write("d/a", b"1")
        store.write("d/b", b"2")
        store.remove("d/a")
        store.remove("d")
        assert sorted(walk(store, "")) == ["d/b"]
        store.remove("d/b")
        store.remove("d")
        assert list(store.list("")) == []

    def test_a_lock_excludes_others_until_it_is_left(self, store):
        other = self.another(store)
        with store.lock("m/run.lock"):
            for shared in (False, True):
                with pytest.raises(Busy), other.lock("m/run.lock", shared=shared):
                    pytest.fail("locked twice")
        with other.lock("m/run.lock"):
            pass

    def test_a_shared_lock_excludes_only_exclusive_ones(self, store):
        other = self.another(store)
        with (
            store.lock("run.lock", shared=True),
            other.lock("run.lock", shared=True),
            pytest.raises(Busy),
            other.lock("run.lock"),
        ):
            pytest.fail("locked though shared")

    def test_a_lock_that_shall_not_be_made_must_be_there(self, store):
        with pytest.raises(FileNotFoundError), store.lock("run.lock", make=False):
            pytest.fail("locked")
        assert not store.exists("run.lock")

    def test_the_mark_of_a_lock_stays_and_is_told(self, store):
        with store.lock("run.lock") as held:
            held.mark(b"running")
        assert store.stat("run.lock").size == 7
        with store.lock("run.lock") as held:
            assert store.read("run.lock").data == b"running"
            held.mark(b"")
        assert store.stat("run.lock").size == 0

    def test_identity_is_that_of_the_thing(self, store):
        store.write("d/a", b"1")
        store.write("e/a", b"1")
        assert store.stat("d").identity == store.stat("d").identity != store.stat("e").identity

    def test_names_are_shown_as_the_user_knows_them(self, store):
        assert store.shown("m/part").startswith(store.shown())
        assert store.shown("m/part").endswith("m/part")
