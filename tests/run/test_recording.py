"""Rows are recorded beside the work, told when they are safe, and none is lost on the way out."""

import threading

import pytest
from listener import Listener

from sgcampp.errors import RunStopped
from sgcampp.run.recording import Written, recording
from sgcampp.run.summary import Summary
from sgcampp.tree.rows import FAILED, OK, Row


class Manifest:
    """Takes rows when it is let."""

    def __init__(self, lets=True):
        self.rows, self.may = [], threading.Event()
        if lets:
            self.may.set()

    def append(self, rows):
        assert self.may.wait(10)
        self.rows += rows


class FullDisk(Manifest):
    def append(self, rows):
        raise OSError("no space left")


def written(*keys, status=OK):
    return [Written(Row(key=key, status=status)) for key in keys]


def test_the_next_images_go_on_while_rows_are_on_their_way():
    manifest, listener = Manifest(lets=False), Listener()
    with recording(manifest, Summary(3), listener, None) as recorder:
        recorder.record(written("a", "b"))  # comes back, though they are not safe
        assert (manifest.rows, listener.keys) == ([], [])
        manifest.may.set()
        recorder.record(written("c"))
        assert listener.keys == ["a", "b"]
    assert [row.key for row in manifest.rows] == listener.keys == ["a", "b", "c"]


def test_rows_that_storage_refuses_are_not_told():
    listener, summary = Listener(), Summary(2)
    with (
        pytest.raises(OSError, match="no space"),
        recording(FullDisk(), summary, listener, None) as recorder,
    ):
        recorder.record(written("a"))
        recorder.record(written("b"))
    assert (listener.keys, summary.explained) == ([], 0)


def test_what_was_given_is_safe_when_the_run_breaks_off():
    manifest, listener = Manifest(), Listener()
    with (
        pytest.raises(KeyboardInterrupt),
        recording(manifest, Summary(2), listener, None) as recorder,
    ):
        recorder.record(written("a"))
        raise KeyboardInterrupt
    assert [row.key for row in manifest.rows] == listener.keys == ["a"]


def test_too_many_failures_stop_at_the_end_too():
    with (
        pytest.raises(RunStopped, match="stopped after 1 failures"),
        recording(Manifest(), Summary(2), Listener(), 0) as recorder,
    ):
        recorder.record(written("a", status=FAILED))
