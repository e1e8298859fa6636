"""Lists of images: lines, columns, objects; paths and URLs."""

import json

import pytest
from image_samples import example

from sgcampp.errors import UserError
from sgcampp.images.decode import read_image
from sgcampp.images.faults import Reason
from sgcampp.images.find import find_images

PNG = example("PNG")


@pytest.fixture
def home(tmp_path):
    for name in ("lists/a.png", "lists/deep/b.png", "c.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_bytes(PNG)
    return tmp_path


def written(home, name, text):
    (home / "lists" / name).write_text(text, "utf-8")
    return home / "lists" / name


def listed(path, **rules):
    return list(find_images([path], **rules))


def outside(path):
    return str(path).lstrip("/")


def test_lines_are_paths_from_the_list_s_directory_in_their_order(home):
    text = f"\ufeffdeep/b.png\n\n./a.png\r\n../c.png\n{home}/c.png\ndeep/b.png\n  gone.png \n"
    found = listed(written(home, "l.txt", text))
    c = outside(home / "c.png")
    assert [one.key for one in found] == ["deep/b.png", "a.png", c, f"{c}~00001", "gone.png"]
    assert found[3].error.reason is Reason.DUPLICATE
    assert all(read_image(one.place).bytes == len(PNG) for one in found[:3])
    assert [one.key for one in listed(home / "lists/l.txt", glob=["b.png"])] == ["deep/b.png"]


def test_columns_and_objects_may_bring_classes(home):
    csv = written(home, "l.csv", "class,image\ntabby,a.png\n,deep/b.png\n3,../c.png\n")
    assert [one.label for one in listed(csv)] == ["tabby", None, "3"]
    csv = written(home, "l.csv", "file,label,class\na.png,1,2\ndeep/b.png,1,\n")
    assert [one.label for one in listed(csv)] == ["2", "1"]
    lines = [{"image": "a.png", "class": 281}, "deep/b.png", {"path": "../c.png", "label": "x"}]
    path = written(home, "l.jsonl", "\n".join(map(json.dumps, lines)))
    assert [(one.label, read_image(one.place).bytes > 0) for one in listed(path)] == [
        ("281", True), (None, True), ("x", True)
    ]  # fmt: skip


def test_urls_are_called_by_host_and_path_and_tell_no_secrets(home):
    text = (
        "https://u:pw@host/p/a.png?sig=secret#x\nmemory://list/b.png\nhttps://host/p/a.png?sig=2\n"
    )
    found = listed(written(home, "l.txt", text))
    assert [one.key for one in found] == ["host/p/a.png", "list/b.png", "host/p/a.png~00001"]
    assert found[2].error.reason is Reason.DUPLICATE
    assert found[0].place.look() is None and "pw" not in found[0].place.shown


@pytest.mark.parametrize(
    ("name", "text", "words"),
    [
        ("l.csv", "photo,class\na,b\n", "no column image or path or url or file"),
        ("l.csv", "image,class\na.png,x\n,y\n", "line 3: image is '', accepted"),
        ("l.csv", 'image\n"a.png\n', "is no CSV"),
        ("l.jsonl", '{"image": 3}\n', "line 1: image is 3"),
        ("l.jsonl", '"a.png"\n[1]\n', "line 2: has no image or"),
        ("l.jsonl", "{\n", "line 1: is no JSON"),
    ],
)
def test_what_is_no_list_is_one_sentence_with_its_line(home, name, text, words):
    with pytest.raises(UserError, match=words):
        listed(written(home, name, text))


def test_a_list_must_be_text(home):
    (home / "lists/l.txt").write_bytes(b"caf\xe9.png\n")
    with pytest.raises(UserError, match="is not UTF-8"):
        listed(home / "lists/l.txt")
