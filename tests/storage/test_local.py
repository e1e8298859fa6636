"""The local store: the contract, and what only a disk has."""

import os

import pytest
from storage_contract import StoreContract

from sgcampp.storage.local import LocalStore
from sgcampp.storage.store import Entry


class TestLocalStore(StoreContract):
    @pytest.fixture
    def store(self, tmp_path):
        return LocalStore(tmp_path / "root" / "of it")

    @pytest.fixture(autouse=True)
    def root(self, tmp_path):
        (tmp_path / "root" / "of it").mkdir(parents=True)

    def another(self, store):
        return LocalStore(store.root, writer=7)


def test_a_root_that_is_not_there_is_made_when_it_is_written_to(tmp_path):
    store = LocalStore(tmp_path / "later")
    assert not store.exists("")
    store.write("a", b"1")
    assert store.read("a").data == b"1"


def test_links_are_read_through_and_identity_sees_through_them(tmp_path):
    store = LocalStore(tmp_path)
    store.write("d/a", b"1")
    (tmp_path / "link").symlink_to(tmp_path / "d")
    assert store.read("link/a").data == b"1"
    assert store.stat("link").identity == store.stat("d").identity
    assert Entry("link", True) in set(store.list(""))


def test_pipes_keep_nobody_waiting(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    with pytest.raises(OSError, match="no regular file"):
        LocalStore(tmp_path).read("pipe")


def test_the_store_of_all_files_takes_paths_as_they_are(tmp_path, monkeypatch):
    (tmp_path / "a").write_bytes(b"1")
    monkeypatch.chdir(tmp_path)
    for name in ("a", str(tmp_path / "a")):
        assert LocalStore("").read(name).data == b"1"


def test_leftovers_are_told_by_their_writer(tmp_path):
    store = LocalStore(tmp_path)
    for writer in (3, 4):
        (tmp_path / f".sgcampp-{writer:05d}-0123456789abcdef.tmp").touch()
    assert store.remove_leftovers("", 3) == 1
    assert store.remove_leftovers("") == 1
