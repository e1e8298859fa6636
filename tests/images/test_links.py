"""Links in place of a run's own files are not followed, nor are links back into what it writes."""

import os

import pytest
from manifests import every_row, write_rows

from sgcampp.errors import UserError
from sgcampp.images.find import find_images
from sgcampp.storage.local import LocalStore
from sgcampp.storage.regular import open_own
from sgcampp.tree.index import read_manifest
from sgcampp.tree.lock import is_locked, locked, settling
from sgcampp.tree.paths import KINDS
from sgcampp.tree.rows import FAILED, Row

FILLED = ("manifest", *KINDS)
ROW = Row("a.jpg", FAILED, reason="empty")


@pytest.fixture
def precious(tmp_path):
    path = tmp_path / "precious.txt"
    path.write_text("mine, without a newline")
    yield path
    assert path.read_text() == "mine, without a newline"


@pytest.fixture
def manifest(tmp_path):
    (tmp_path / "out" / "manifest").mkdir(parents=True)
    return tmp_path / "out" / "manifest"


def refused(match="is a link, a directory or a pipe"):
    return pytest.raises(UserError, match=match)


def test_a_manifest_part_is_no_link(precious, manifest):
    part = manifest / "part-00000.jsonl"
    part.symlink_to(precious)
    with refused():
        write_rows(manifest.parent, ROW)
    with refused():
        list(every_row(manifest.parent))
    with refused():
        list(read_manifest(LocalStore(manifest.parent)))


@pytest.mark.parametrize("name", ["run.lock", "part-00000.lock"])
def test_a_lock_is_no_link(precious, manifest, name):
    (manifest / name).symlink_to(precious)
    with refused(), locked(LocalStore(manifest.parent), 0):
        pytest.fail("locked")


def test_the_mark_of_another_part_is_no_link(precious, manifest):
    """A whole run empties the marks that killed shards left."""
    (manifest / "part-00007.lock").symlink_to(precious)
    with refused(), locked(LocalStore(manifest.parent), 0):
        pytest.fail("locked")
    with refused():
        is_locked(LocalStore(manifest.parent))


def test_the_lock_for_settling_is_no_link(precious, manifest):
    (manifest / "settle.lock").symlink_to(precious)
    with refused(), settling(LocalStore(manifest.parent)):
        pytest.fail("settling")


@pytest.mark.parametrize("make", [os.mkfifo, os.mkdir])
@pytest.mark.parametrize("mode", ["rb", "ab", "a+b"])
def test_a_pipe_or_a_directory_keeps_nobody_waiting(tmp_path, make, mode):
    make(tmp_path / "own")
    with refused():
        open_own(tmp_path / "own", mode)
    with pytest.raises(OSError, match="no regular file"):
        LocalStore(tmp_path).read("own")


def test_own_files_are_made_and_appended_to(tmp_path):
    for expected in (b"a", b"aa"):
        with open_own(tmp_path / "own", "ab") as file:
            file.write(b"a")
        assert LocalStore(tmp_path).read("own").data == expected
    assert (tmp_path / "own").stat().st_mode & 0o111 == 0
    with pytest.raises(FileNotFoundError):
        open_own(tmp_path / "none", "rb")


@pytest.fixture
def photos(tmp_path):
    """photos/a.jpg, and an output tree beside and one within that have pictures of their own."""
    for out in ("out", "photos/out"):
        for kind in (*KINDS, "manifest"):
            (tmp_path / out / kind / "cats").mkdir(parents=True)
            (tmp_path / out / kind / "cats" / "tom.jpg.png").touch()
    (tmp_path / "photos" / "a.jpg").touch()
    return tmp_path / "photos"


@pytest.mark.parametrize("out", ["out", "photos/out"])
@pytest.mark.parametrize("target", ["", *KINDS, "manifest", "overlays/cats"])
def test_links_into_the_output_tree_are_not_walked(tmp_path, photos, out, target):
    (photos / "back").symlink_to(tmp_path / out / target)
    found = find_images([photos], exclude=[tmp_path / out], filled=FILLED)
    expected = {"a.jpg"} if out == "photos/out" else {"a.jpg", *others(photos)}
    assert {image.key for image in found} == expected


def others(photos):
    """Keys of the pictures of the output tree within, when another one is written to."""
    return {path.relative_to(photos).as_posix() for path in (photos / "out").glob("*/*/*.png")}


def test_kinds_that_lie_on_another_disk_are_not_walked(tmp_path, photos):
    (tmp_path / "out" / "overlays").rename(tmp_path / "disk")
    (tmp_path / "out" / "overlays").symlink_to(tmp_path / "disk")
    (photos / "back").symlink_to(tmp_path / "disk")
    keys = {image.key for image in find_images([photos], exclude=[tmp_path / "out"], filled=FILLED)}
    assert keys == {"a.jpg", *others(photos)}


def test_sources_may_lie_below_the_output_tree(tmp_path):
    (tmp_path / "out" / "photos" / "sub").mkdir(parents=True)
    (tmp_path / "out" / "photos" / "sub" / "a.jpg").touch()
    (tmp_path / "out" / "photos" / "up").symlink_to(tmp_path / "out")
    found = find_images([tmp_path / "out" / "photos"], exclude=[tmp_path / "out"], filled=FILLED)
    assert [image.key for image in found] == ["sub/a.jpg"]


@pytest.mark.parametrize("name", ["photos", "photos/a.jpg", "photos/../photos", "link"])
def test_the_output_tree_is_no_source(tmp_path, photos, name):
    (tmp_path / "link").symlink_to(photos)
    source = tmp_path / name
    with refused("is the source and the output directory at once: name another output directory"):
        find_images([source], exclude=[source.resolve()], filled=FILLED)
