"""CSVs of boxes."""

import pytest

from sgcampp.annotations.box_table import read_box_table
from sgcampp.annotations.categories import Categories
from sgcampp.annotations.gathering import Gathering
from sgcampp.annotations.shapes import Box
from sgcampp.errors import UserError


def gathered(tmp_path, text):
    path = tmp_path / "boxes.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    gathering = Gathering(Categories(["cat", "dog"]))
    read_box_table(path, gathering)
    return gathering


@pytest.mark.parametrize(
    "text",
    [
        "a.jpg,cat,1,2.5,3,4\nb.jpg,1,0,0,9,9\n",
        "image,class,x,y,w,h\na.jpg,cat,1,2.5,3,4\n\nb.jpg,1,0,0,9,9",
        "\ufeffh,w,note,X,y,Class,image\r\n4,3,?,1,2.5, cat ,a.jpg\r\n9,9,,0,0,1,b.jpg\r\n",
    ],
)
def test_boxes_with_or_without_a_header(tmp_path, text):
    found = gathered(tmp_path, text)
    (a,), (b,) = (found.images[name].instances for name in ("a.jpg", "b.jpg"))
    assert (a.category, a.classes, a.shape) == ("cat", (0,), Box(2.5, 1, 4, 3))
    assert (b.category, b.classes, b.shape) == ("1", (1,), Box(0, 0, 9, 9))
    assert found.images["a.jpg"].size is None


def test_a_quoted_name(tmp_path):
    assert list(gathered(tmp_path, '"a, ""b"".jpg",cat,1,2,3,4').images) == ['a, "b".jpg']


@pytest.mark.parametrize(
    "text, said",
    [
        ("a,cat,1,2,3,4\na,cat,1,2,3\n", "line 2 is no box; a line is image,class,x,y,w,h"),
        ("a,cat,1,2,3,four", "line 1 is no box"),
        ("a,cat,1,2,3,nan", "line 1 is no box"),
        ("a,cat,1,2,inf,3", "line 1 is no box"),
        (",cat,1,2,3,4", "line 1 is no box"),
        ("a,,1,2,3,4", "line 1 is no box"),
        ("image,x,y,w,h\n", "line 1 is no box"),
        ('a,cat,1,2,3,4\n"a,cat', "line 2: unexpected end of data"),
        (b"\xff\xfea", "is not UTF-8 text"),
    ],
)
def test_what_is_no_table_of_boxes(tmp_path, text, said):
    with pytest.raises(UserError) as told:
        gathered(tmp_path, text)
    assert said in str(told.value) and "boxes.csv: " in str(told.value)


def test_what_can_not_be_an_object_is_counted(tmp_path):
    found = gathered(
        tmp_path, "a,cat,1,2,0,4\na,cat,1,2,3,-4\na,cat,-9,0,5,5\na,cat,-2,0,5,5\n" * 2
    )
    assert {reason: what.count for reason, what in found.dropped.items()} == {
        "no area": 4,
        "outside of the image": 2,
        "cut at the image's edge": 2,
        "stands twice": 1,
    }
    assert "line 1: box x=1 y=2 w=0 h=4 has no area" in found.dropped["no area"].first
    assert [one.shape for one in found.images["a"].instances] == [Box(0, 0, 5, 3)]


def test_no_box_at_all(tmp_path):
    assert gathered(tmp_path, "").images == gathered(tmp_path, "image,class,x,y,w,h").images == {}


def test_a_hundred_thousand_boxes(tmp_path):
    lines = (f"{i % 1000}.jpg,cat,{i % 97},{i // 97},{1 + i % 7},5\n" for i in range(100_000))
    found = gathered(tmp_path, "".join(lines))
    assert len(found.images) == 1000
    assert sum(len(image.instances) for image in found.images.values()) == 100_000
