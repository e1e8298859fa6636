import errno
import itertools
import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from sgcampp.images.faults import ImageError, Reason
from sgcampp.storage.atomic import write_atomically
from sgcampp.storage.local import LocalStore
from sgcampp.tree import paths as tree
from sgcampp.tree.paths import KINDS, relative_path
from sgcampp.tree.tree_writer import FileWriter, remove_leftovers

EXTENSIONS = [("arrays", ".npy"), ("heatmaps", ".png"), ("overlays", ".png"), ("panels", ".png")]


def files_below(root: Path) -> list[str]:
    return sorted(str(p.relative_to(root)) for p in root.rglob("*") if not p.is_dir())


def test_names_are_those_of_the_design():
    assert relative_path("arrays", ".npy", "a/b.jpg") == "arrays/a/b.jpg.npy"
    assert relative_path("heatmaps", ".png", "a/b.JPEG", ["7"]) == "heatmaps/a/b.JPEG.7.png"
    assert (
        relative_path("overlays", ".png", "b.png", ["tabby", "k010"])
        == "overlays/b.png.tabby.k010.png"
    )
    assert relative_path("arrays", ".npy", "notes") == "arrays/notes.img.npy"


def test_no_two_inputs_share_a_path_and_none_is_the_directory_of_another():
    names = [
        "a.jpg",
        "a.jpg.k010",
        "a.jpg.img",
        "a",
        "a.jpg.npy",
        "a.jpg.npy.dir",
        "a.png",
        "a.jpg.png",
    ]
    long = "a" * 300 + ".npy"
    names += [long, tree._fitting(long + ".dir", "")]
    keys = names + [f"{directory}/{name}" for directory in names for name in names]
    suffixes = [[], ["k010"], ["7"], ["7", "k010"]]
    made = [
        relative_path(kind, extension, key, suffix)
        for (kind, extension), key, suffix in itertools.product(EXTENSIONS, keys, suffixes)
    ]
    directories = {str(parent) for path in made for parent in Path(path).parents}
    assert len(set(made)) == len(made)
    assert not directories & set(made)


@pytest.mark.parametrize(
    "key",
    ["", ".", "..", "../x.jpg", "a/../../x.jpg", "/etc/x.jpg", "a//b.jpg", "a/./b.jpg", "a\0.jpg"],
)
def test_keys_cannot_leave_the_tree(key):
    with pytest.raises(ValueError, match="plain relative path"):
        relative_path("arrays", ".npy", key)


@pytest.mark.parametrize("suffix", ["", "a/b", "..", "png", "JPG", "img", "a b", "é", "a\n"])
def test_suffixes_are_plain_words(suffix):
    with pytest.raises(ValueError, match="suffix"):
        relative_path("arrays", ".npy", "a.jpg", [suffix])


def written(out, key, suffixes=()):
    return FileWriter(LocalStore(out)).write(key, "arrays", ".npy", suffixes, b"1")


@pytest.mark.parametrize(
    "name", ["x" * 251, "é" * 120 + "a", "\udcff" * 200 + "猫" * 10, "👀" * 62]
)
def test_names_too_long_are_shortened_and_stay_different(tmp_path, name):
    one, two = (relative_path("arrays", ".npy", f"{name}{end}.jpg", ["k010"]) for end in "12")
    assert one != two
    assert len(os.fsencode(Path(one).name)) <= 255
    assert one.endswith(".npy")
    assert written(tmp_path, f"{name}1.jpg", ["k010"]) == one
    assert (tmp_path / one).read_bytes() == b"1"


def test_a_path_too_long_is_the_images_fault(tmp_path):
    with pytest.raises(ImageError) as info:
        written(tmp_path, "d" * 250 + ("/" + "d" * 250) * 20 + "/x.jpg")
    assert info.value.reason == Reason.NAME_TOO_LONG


def test_names_that_are_not_utf8(tmp_path):
    path = written(tmp_path, os.fsdecode(b"caf\xe9/\n'.jpg"))
    assert os.fsencode(tmp_path / path).endswith(b"/arrays/caf\xe9/\n'.jpg.npy")
    assert (tmp_path / path).read_bytes() == b"1"


def test_write_makes_directories_and_replaces(tmp_path):
    path = tmp_path / "a/b/c.bin"
    write_atomically(path, b"one")
    write_atomically(path, b"two")
    assert path.read_bytes() == b"two"
    assert files_below(tmp_path) == ["a/b/c.bin"]


def test_write_of_a_name_of_full_length(tmp_path):
    write_atomically(tmp_path / ("x" * 255), b"one")
    assert files_below(tmp_path) == ["x" * 255]


@pytest.mark.parametrize("call", ["fsync", "replace"])
@pytest.mark.parametrize("error", [OSError(errno.ENOSPC, "full"), KeyboardInterrupt()])
def test_nothing_torn_appears_when_the_disk_refuses(tmp_path, monkeypatch, call, error):
    def refuse(*_):
        raise error

    write_atomically(tmp_path / "old", b"old")
    target = os if call == "fsync" else Path
    monkeypatch.setattr(target, call, refuse)
    for name in ("new", "old"):
        with pytest.raises(type(error)):
            write_atomically(tmp_path / name, b"new")
    assert files_below(tmp_path) == ["old"]
    assert (tmp_path / "old").read_bytes() == b"old"


def test_a_kill_leaves_only_a_temporary_file_that_is_removed(tmp_path):
    code = f"""if True:
        import os
        from sgcampp.storage.atomic import write_atomically
        os.fsync = lambda _: os.kill(os.getpid(), 9)
        write_atomically({str(tmp_path / "arrays/a/x.npy")!r}, b"new", writer=3)
    """
    done = subprocess.run([sys.executable, "-c", code], check=False, cwd=Path(__file__).parents[2])
    assert done.returncode == -9
    (left,) = files_below(tmp_path)
    assert left.startswith("arrays/a/.sgcampp-00003-")
    assert remove_leftovers(LocalStore(tmp_path), KINDS, part=2) == 0
    assert remove_leftovers(LocalStore(tmp_path), KINDS, part=3) == 1
    assert files_below(tmp_path) == []


def test_leftovers_are_removed_and_nothing_else(tmp_path):
    left = ".sgcampp-00000-0123456789abcdef.tmp"
    keep = ["arrays/x.npy", f"arrays/{left}.npy", f"other/{left}", "overlays/.hidden.tmp"]
    gone = [f"arrays/a/{left}", f"manifest/{left}", f"overlays/{left}"]
    for name in keep + gone:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).touch()
    assert remove_leftovers(LocalStore(tmp_path), KINDS) == 3
    assert files_below(tmp_path) == sorted(keep)
    assert remove_leftovers(LocalStore(tmp_path / "nowhere"), KINDS) == 0


def test_threads_write_side_by_side(tmp_path):
    out = FileWriter(LocalStore(tmp_path))

    def write(start):
        for n in range(start, start + 20):
            out.write(f"d{n % 7}/{n}.png", "arrays", ".npy", (), b"x" * n)

    threads = [threading.Thread(target=write, args=(start,)) for start in range(0, 80, 20)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert all((tmp_path / f"arrays/d{n % 7}/{n}.png.npy").stat().st_size == n for n in range(80))
    assert len(files_below(tmp_path)) == 80
