"""Whether the files that rows name are there."""

from uuid import uuid4

import pytest
from fsspec.implementations.memory import MemoryFileSystem

from sgcampp.storage.local import LocalStore
from sgcampp.storage.remote import RemoteStore
from sgcampp.tree.present import present

KINDS = ("arrays", "overlays", "shards")


def row(*paths, of_image=()):
    return {"files": dict(enumerate(of_image)), "maps": [{"files": dict(enumerate(paths))}]}


@pytest.fixture(params=("near", "far"))
def store(request, tmp_path):
    return LocalStore(tmp_path) if request.param == "near" else far()


def far():
    return RemoteStore(MemoryFileSystem(), f"/{uuid4()}")


def test_a_row_holds_if_all_of_its_files_are_there(store):
    for name in ("arrays/a.npy", "overlays/a.png", "shards/00000.tar"):
        store.write(name, b"1")
    whole = present(store, KINDS)
    assert whole(row("arrays/a.npy", of_image=["overlays/a.png"]))
    assert whole(row("shards/00000.tar/a.npy"))
    assert not whole(row("arrays/a.npy", "arrays/b.npy"))
    assert not whole(row("arrays/a.npy", of_image=["overlays/b.png"]))
    assert not whole(row("shards/00001.tar/a.npy"))


def test_where_looks_are_requests_names_are_listed_once_and_for_rows_alone(monkeypatch):
    store, listed = far(), []
    store.write("arrays/a.npy", b"1")
    real = store.list
    monkeypatch.setattr(store, "list", lambda name: listed.append(name) or real(name))
    whole = present(store, KINDS)
    assert not listed
    for _ in range(3):
        assert whole(row("arrays/a.npy"))
    assert sorted(listed) == sorted(KINDS)
