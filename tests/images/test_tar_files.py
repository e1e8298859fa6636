"""Images in tar files: names, classes, and what a hostile or damaged file makes of them."""

import random
import tarfile

import pytest
from archives import member, tar
from image_samples import example

from sgcampp.errors import UserError
from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError, Reason
from sgcampp.images.find import find_images

PNG = example("PNG")


def listed(*sources, **rules):
    return list(find_images(sources, **rules))


def reasons(found):
    return {one.key: one.error.reason.value if one.error else None for one in found}


def test_members_are_images_by_their_names_in_the_order_of_the_file(tmp_path):
    path = tar(
        tmp_path / "photos.tar",
        *(("b/tom.jpg", PNG), ("b/tom.json", b"{}"), ("a.PNG", PNG), ("notes.txt", b"no")),
        *(("./c.png", PNG), ("caf\udce9.png", PNG), ("long/" * 60 + "x.png", PNG)),
    )
    found = listed(path)
    keys = [one.key for one in found]
    assert keys == ["b/tom.jpg", "a.PNG", "c.png", "caf\udce9.png", "long/" * 60 + "x.png"]
    picture = (
        read_image(path.parent / "plain.png") if (path.parent / "plain.png").exists() else None
    )
    for one in found:
        picture = read_image(one.place)
        assert (picture.rgb.shape, picture.bytes) == ((40, 60, 3), len(PNG))
        assert picture.mtime_ns == one.place.look().mtime_ns == path.stat().st_mtime_ns
    assert [one.key for one in listed(path, glob=["*.txt", "b/*"])] == [
        "b/tom.jpg", "b/tom.json", "notes.txt"
    ]  # fmt: skip


def test_several_files_are_directories_of_their_names_and_ranges_stand_for_them(tmp_path):
    for number in (0, 1, 2):
        tar(tmp_path / f"s-{number:03d}.tar", ("a.png", PNG))
    (tmp_path / "plain.png").write_bytes(PNG)
    keys = [one.key for one in listed(str(tmp_path / "s-{000..001}.tar"), tmp_path / "plain.png")]
    assert keys == ["plain.png", "s-000.tar/a.png", "s-001.tar/a.png"]
    assert [one.key for one in listed(tmp_path)] == ["plain.png"]  # a walk passes them over
    with pytest.raises(UserError, match=r"s-003\.tar.*No such file"):
        listed(str(tmp_path / "s-{000..003}.tar"))
    with pytest.raises(UserError, match="stands for 0 files"):
        listed("s-{9..1}.tar")
    with pytest.raises(UserError, match="stands for 10000000 files"):
        listed("s-{0..9999999}.tar")


def test_the_class_beside_an_image_is_its_label(tmp_path):
    path = tar(
        tmp_path / "a.tar",
        *(("x/1.cls", b"281\n"), ("x/1.png", PNG), ("x/2.png", PNG), ("x/2.cls", "é".encode())),
        *(("x/3.png", PNG), ("y/3.cls", b"7"), ("4.cls", b"x" * 2000), ("4.png", PNG)),
    )
    assert {one.key: one.label for one in listed(path)} == {
        "x/1.png": "281", "x/2.png": "é", "x/3.png": None, "4.png": None
    }  # fmt: skip


def test_hostile_members_are_rows_with_reasons(tmp_path):
    path = tar(
        tmp_path / "evil.tar",
        *(("../up.png", PNG), ("/etc/passwd.png", PNG), ("a/../../b.png", PNG), ("a//b.png", PNG)),
        member("link.png", type=tarfile.SYMTYPE, linkname="/etc/passwd"),
        member("hard.png", type=tarfile.LNKTYPE, linkname="good.png"),
        member("null.png", type=tarfile.CHRTYPE, devmajor=1, devminor=3),
        member("pipe.png", type=tarfile.FIFOTYPE),
        *(("good.png", PNG), ("good.png", b"other"), ("good.png", b"")),
    )
    found = listed(path)
    assert reasons(found) == {
        "%2E%2E%2Fup%2Epng~00001": "bad_name",
        "%2Fetc%2Fpasswd%2Epng~00002": "bad_name",
        "a%2F%2E%2E%2F%2E%2E%2Fb%2Epng~00003": "bad_name",
        "a%2F%2Fb%2Epng~00004": "bad_name",
        "link.png": "not_a_file",
        "hard.png": "not_a_file",
        "null.png": "not_a_file",
        "pipe.png": "not_a_file",
        "good.png": None,
        "good.png~00005": "duplicate",
        "good.png~00006": "duplicate",
    }
    assert [one.place is None for one in found] == [one.error is not None for one in found]


def test_a_hundred_thousand_doubles_are_as_many_rows(tmp_path):
    header = tarfile.TarInfo("a.png").tobuf()
    (tmp_path / "many.tar").write_bytes(header * 100_000 + b"\0" * 1024)
    count, keys = 0, set()
    for found in find_images([tmp_path / "many.tar"]):
        assert (found.error is None) == (count == 0)
        count += 1
        keys.add(found.key)
    assert count == len(keys) == 100_000


@pytest.mark.parametrize(
    ("damage", "kept"),
    [
        (lambda data: data[:1000], 1),  # within the first member
        (lambda data: data[: 512 + 1024 + 100], 1),  # within the second header
        (lambda data: data[: 512 + 1024] + b"\xff" * 512 + data[512 + 1024 + 512 :], 1),
        (lambda data: b"no tar file at all" * 100, 0),
        (lambda data: b"", 0),
        (lambda data: b"\x1f\x8b" + data, 0),
    ],
)
def test_what_follows_damage_is_one_row(tmp_path, damage, kept):
    data = b"x" * 1000
    path = tar(tmp_path / "a.tar", *((f"{n}.png", data) for n in range(4)))
    path.write_bytes(damage(path.read_bytes()))
    found = listed(path)
    assert [one.key for one in found] == [*(f"{n}.png" for n in range(kept)), "~rest"]
    assert found[-1].error.reason is Reason.CORRUPT
    if kept and path.stat().st_size == 1000:
        with pytest.raises(ImageError, match="ends within it"):
            found[0].place.read()


@pytest.mark.parametrize("size", [-512, -1, 1 << 40])
def test_lies_about_sizes_end_the_listing(tmp_path, size):
    lies = tarfile.TarInfo("lie.png")
    lies.size = size
    path = tmp_path / "a.tar"
    path.write_bytes(tarfile.TarInfo("a.png").tobuf() + lies.tobuf(tarfile.GNU_FORMAT) * 3)
    assert reasons(listed(path))["~rest"] == "corrupt"


@pytest.mark.parametrize("kind", [tarfile.XHDTYPE, tarfile.GNUTYPE_LONGNAME])
def test_a_header_that_wants_a_terabyte_gets_none(tmp_path, kind):
    info = tarfile.TarInfo("x")
    info.type, info.size = kind, 1 << 40
    path = tmp_path / "a.tar"
    path.write_bytes(info.tobuf(tarfile.GNU_FORMAT) + b"x" * 10_000)
    assert reasons(listed(path)) == {"~rest": "corrupt"}


def test_random_damage_never_hangs_or_escapes(tmp_path):
    rng = random.Random(0)
    path = tar(tmp_path / "a.tar", *((f"{n}.png", b"x" * rng.randrange(2000)) for n in range(6)))
    whole = path.read_bytes()
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(rng.randrange(1, 40)):
            data[rng.randrange(len(data))] = rng.randrange(256)
        path.write_bytes(data)
        found = listed(path)
        assert len(found) < 50 and len({one.key for one in found}) == len(found)
        for one in found:
            if one.place:
                try:
                    one.place.read()
                except ImageError as error:
                    assert error.reason is Reason.CORRUPT
