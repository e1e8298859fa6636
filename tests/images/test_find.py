import json
import os
import socket
import sys
from pathlib import Path

import pytest

from sgcampp.errors import UserError
from sgcampp.images.faults import Reason
from sgcampp.images.find import find_images


def touch(root: Path, *names: str) -> Path:
    for name in names:
        path = root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.touch()
    return root


def keys(*args, **kwargs) -> list[str]:
    return [found.key for found in find_images(*args, **kwargs)]


def test_order_is_that_of_name_bytes_depth_first(tmp_path):
    names = [
        "b.jpg",
        "B.jpg",
        "a/z.png",
        "a/é.png",
        "a.jpg",
        "é.jpg",
        "c/d/e.gif",
        "10.bmp",
        "9.bmp",
    ]
    touch(tmp_path, *names)
    expected = [
        "10.bmp",
        "9.bmp",
        "B.jpg",
        "a/z.png",
        "a/é.png",
        "a.jpg",
        "b.jpg",
        "c/d/e.gif",
        "é.jpg",
    ]
    assert keys([tmp_path]) == expected


def test_walks_image_extensions_in_any_case_only(tmp_path):
    touch(
        tmp_path, "a.JPG", "b.TiFf", "c.txt", "d", ".jpg", "e.jpg.txt", "f.webp", "g.pgm", "h.jp2"
    )
    assert keys([tmp_path]) == ["a.JPG", "b.TiFf", "f.webp", "g.pgm", "h.jp2"]


def test_is_lazy_and_paths_lead_to_the_files(tmp_path):
    touch(tmp_path, "a/1.jpg", "b/2.jpg")
    listing = find_images([tmp_path])
    assert Path(next(listing).place.name) == tmp_path / "a/1.jpg"
    touch(tmp_path, "b/3.jpg")
    assert [found.key for found in listing] == ["b/2.jpg", "b/3.jpg"]


def test_a_file_is_taken_whatever_its_extension(tmp_path):
    touch(tmp_path, "photo", "x.jpg")
    assert keys([tmp_path / "photo"]) == ["photo"]
    assert keys([tmp_path / "photo"], glob=["*.jpg"]) == ["photo"]
    assert keys([tmp_path, tmp_path / "photo"]) == ["photo", "x.jpg"]


def test_glob_matches_key_or_name_and_replaces_the_extensions(tmp_path):
    touch(tmp_path, "a/1.jpg", "a/2.dat", "b/1.jpg", "b/2.dat")
    assert keys([tmp_path], glob=["*.dat"]) == ["a/2.dat", "b/2.dat"]
    assert keys([tmp_path], glob=["a/*"]) == ["a/1.jpg", "a/2.dat"]
    assert keys([tmp_path], glob=["1.*", "b/2*"]) == ["a/1.jpg", "b/1.jpg", "b/2.dat"]


def test_not_recursive_stays_in_the_directory(tmp_path):
    touch(tmp_path, "1.jpg", "a/2.jpg")
    assert keys([tmp_path], recursive=False) == ["1.jpg"]
    assert keys([tmp_path, tmp_path / "a"], recursive=False) == ["1.jpg", "a/2.jpg"]


def test_several_sources_are_relative_to_their_common_parent(tmp_path):
    touch(tmp_path, "p/a/1.jpg", "p/b/c/2.jpg", "p/3.jpg", "p/4.jpg")
    p = tmp_path / "p"
    assert keys([p / "b", p / "a"]) == ["a/1.jpg", "b/c/2.jpg"]
    assert keys([p / "b/c", p / "3.jpg"]) == ["3.jpg", "b/c/2.jpg"]
    assert keys([p / "4.jpg", p / "3.jpg"]) == ["3.jpg", "4.jpg"]
    assert keys([p / "b/../a"]) == ["1.jpg"]


def test_what_two_sources_name_comes_once(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jpg", "a/b/2.jpg", "a/b/notes.dat", "c/3.jpg")
    (tmp_path / "z").symlink_to("a")
    (tmp_path / "z.jpg").symlink_to("a/1.jpg")
    monkeypatch.chdir(tmp_path)
    everything = ["1.jpg", "b/2.jpg"]
    assert keys(["a", "a/"]) == everything
    assert keys(["a/b", "a", tmp_path / "a", "a/1.jpg", "a/b/2.jpg"]) == everything
    assert keys(["z", "a"]) == everything
    assert keys(["a", "z.jpg"]) == everything
    assert keys(["a", "z/b", "z/1.jpg"]) == everything
    assert keys(["a", "a/b/notes.dat"]) == ["1.jpg", "b/2.jpg", "b/notes.dat"]
    assert keys(["a", "z", "c"]) == ["a/1.jpg", "a/b/2.jpg", "c/3.jpg"]


def test_a_named_link_inside_a_walked_directory_comes_once(tmp_path):
    touch(tmp_path, "a/x.jpg", "other/y.jpg")
    (tmp_path / "a/link.jpg").symlink_to("../other/y.jpg")
    assert keys([tmp_path / "a", tmp_path / "a/link.jpg"]) == ["link.jpg", "x.jpg"]


@pytest.mark.parametrize("name", ["missing.jpg", "missing/x", "a\0b", "loop"])
def test_a_missing_source_is_refused_before_anything_starts(tmp_path, name):
    touch(tmp_path, "a.jpg")
    (tmp_path / "loop").symlink_to("loop")
    with pytest.raises(UserError, match="source") as info:
        find_images([tmp_path / "a.jpg", f"{tmp_path}/{name}"])
    assert "\n" not in str(info.value)


def test_no_source_is_refused():
    with pytest.raises(UserError, match="no source"):
        find_images([])


def test_links_are_followed_and_circles_reported_once(tmp_path):
    touch(tmp_path, "in/1.jpg", "out/2.jpg")
    (tmp_path / "in/up").symlink_to("..")
    (tmp_path / "in/other").symlink_to("../out")
    (tmp_path / "in/file.jpg").symlink_to("../out/2.jpg")
    (tmp_path / "in/self").symlink_to(".")
    found = list(find_images([tmp_path / "in"]))
    assert [f.key for f in found if not f.error and not f.key.startswith("up/")] == [
        "1.jpg",
        "file.jpg",
        "other/2.jpg",
    ]
    assert [f.key for f in found if f.error] == ["self", "up/in"]
    assert {f.error.reason for f in found if f.error} == {Reason.LINK_LOOP}


def test_broken_and_circular_links_to_files_are_listed(tmp_path):
    (tmp_path / "broken.jpg").symlink_to("nothing")
    (tmp_path / "circle.jpg").symlink_to("circle.jpg")
    assert keys([tmp_path]) == ["broken.jpg", "circle.jpg"]


def test_a_directory_called_like_an_image_is_reported_and_walked(tmp_path):
    touch(tmp_path, "a.jpg/b.png")
    found = list(find_images([tmp_path]))
    assert [(f.key, f.error and f.error.reason) for f in found] == [
        ("a.jpg", Reason.IS_A_DIRECTORY),
        ("a.jpg/b.png", None),
    ]
    assert keys([tmp_path], glob=["*.png"]) == ["a.jpg/b.png"]


def test_a_directory_that_cannot_be_listed_is_reported(tmp_path, monkeypatch):
    touch(tmp_path, "a/1.jpg", "b/2.jpg")
    scandir = os.scandir

    def refuse(path):
        if str(path).endswith("/a"):
            raise PermissionError(13, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse)
    first, second = find_images([tmp_path])
    assert (first.key, first.error.reason) == ("a", Reason.PERMISSION)
    assert (second.key, second.error) == ("b/2.jpg", None)


def test_a_directory_that_vanishes_is_reported(tmp_path):
    touch(tmp_path, "a/1.jpg", "b/2.jpg")
    listing = find_images([tmp_path])
    next(listing)
    (tmp_path / "b/2.jpg").unlink()
    (tmp_path / "b").rmdir()
    (last,) = listing
    assert (last.key, last.error.reason) == ("b", Reason.VANISHED)


@pytest.mark.skipif(sys.platform != "linux", reason="other systems refuse such names")
def test_odd_names_survive_keys_and_json(tmp_path):
    names = [
        b"a b.jpg",
        b"a\nb.jpg",
        b"\"q'.jpg",
        b"caf\xe9.jpg",
        b"\xff/\xfe.jpg",
        b"-x.jpg",
        b"\\.jpg",
    ]
    for name in names:
        path = Path(os.fsdecode(os.fsencode(tmp_path) + b"/" + name))
        path.parent.mkdir(exist_ok=True)
        path.touch()
    found = list(find_images([tmp_path]))
    assert [os.fsencode(f.key) for f in found] == sorted(names)
    assert all(
        json.loads(json.dumps(f.key)) == f.key and Path(f.place.name).exists() for f in found
    )


def test_excluded_directories_are_not_entered(tmp_path):
    touch(tmp_path, "a.jpg", "out/b.png", "x/out/c.png")
    assert keys([tmp_path], exclude=[tmp_path / "out"]) == ["a.jpg", "x/out/c.png"]


def test_deep_trees_do_not_exhaust_the_stack(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    for _ in range(1100):
        Path("d").mkdir()
        os.chdir("d")
    Path("x.jpg").touch()
    assert keys([tmp_path]) == ["d/" * 1100 + "x.jpg"]
    while Path.cwd() != tmp_path:  # pytest's own cleaning would recurse
        Path("x.jpg").unlink(missing_ok=True)
        os.chdir("..")
        Path("d").rmdir()


def test_special_files_are_listed_for_the_reader_to_refuse(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    os.mkfifo("pipe.jpg")
    with socket.socket(socket.AF_UNIX) as server:
        server.bind("socket.jpg")
        assert keys(["."]) == ["pipe.jpg", "socket.jpg"]
