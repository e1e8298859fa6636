"""Pascal VOC's XML."""

import pytest

from sgcampp.annotations.categories import Categories
from sgcampp.annotations.gathering import Gathering
from sgcampp.annotations.shapes import Box
from sgcampp.annotations.voc import read_voc
from sgcampp.errors import UserError

BNDBOX = "<bndbox><xmin>1</xmin><ymin>3</ymin><xmax>2</xmax><ymax>4.5</ymax></bndbox>"
CAT = f"<object><name>cat</name><difficult>1</difficult>{BNDBOX}</object>"
SIZE = "<size><width>6</width><height>5</height><depth>3</depth></size>"


def gathered(tmp_path, body, name="2007_01.xml"):
    path = tmp_path / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(f"<annotation>{body}</annotation>")
    gathering = Gathering(Categories(["cat"]))
    read_voc([path], tmp_path, gathering)
    return gathering


def test_corners_count_from_one_and_the_last_is_inside(tmp_path):
    """Columns 1 and 2 are 0 to 2; rows 3 to 4.5 are 2 to 4.5."""
    found = gathered(tmp_path, f"<filename>x.jpg</filename>{SIZE}{CAT}")
    (one,) = found.images["x.jpg"].instances
    assert one.shape == Box(top=2, left=0, height=2.5, width=2)
    assert (one.category, one.classes, one.crowd) == ("cat", (0,), False)
    assert found.images["x.jpg"].size == (5, 6)


@pytest.mark.parametrize(
    "filename, expected",
    [
        ("<filename>x.jpg</filename>", "set/x.jpg"),
        ("<filename>C:\\pictures\\x.jpg</filename>", "set/x.jpg"),
        ("<filename>/home/x.jpg</filename>", "set/x.jpg"),
        ("<filename> </filename>", "set/2007_01"),
        ("", "set/2007_01"),
    ],
)
def test_names_of_images(tmp_path, filename, expected):
    assert list(gathered(tmp_path, filename + CAT, "set/2007_01.xml").images) == [expected]


@pytest.mark.parametrize("size", ["", "<size/>", SIZE.replace("6", "0"), SIZE.replace("6", "x")])
def test_no_size(tmp_path, size):
    assert gathered(tmp_path, size + CAT).images["2007_01"].size is None


def test_an_image_without_objects_is_annotated(tmp_path):
    assert gathered(tmp_path, SIZE).images["2007_01"].instances == []


@pytest.mark.parametrize(
    "old, new, reason",
    [
        ("<xmax>2", "<xmax>0", "no area"),
        ("<xmax>2", "<xmax>-7", "no area"),
        ("<xmin>1</xmin>", "<xmin>7</xmin>", "no area"),
        ("<ymin>3</ymin><xmax>2</xmax><ymax>4.5", "<ymin>6</ymin><xmax>2</xmax><ymax>7", "outside"),
    ],
)
def test_what_can_not_be_an_object_is_counted(tmp_path, old, new, reason):
    found = gathered(tmp_path, SIZE + CAT.replace(old, new))
    (said,) = found.dropped
    assert said.startswith(reason) and found.dropped[said].count == 1
    assert "2007_01.xml: object 1: box x=" in found.dropped[said].first


@pytest.mark.parametrize(
    "body, said",
    [
        (CAT.replace("<xmin>1</xmin>", ""), "object 1: <bndbox> does not hold the numbers xmin"),
        (CAT + CAT.replace("4.5", "nan"), "object 2: <bndbox> does not hold the numbers"),
        (f"<object>{BNDBOX}</object>", "object 1 has no <name>"),
        ("</annotation><a>", "is not XML"),
    ],
)
def test_what_is_no_annotation(tmp_path, body, said):
    with pytest.raises(UserError) as told:
        gathered(tmp_path, body)
    assert said in str(told.value) and "2007_01.xml: " in str(told.value)


def test_another_root(tmp_path):
    path = tmp_path / "a.xml"
    path.write_text("<html/>")
    with pytest.raises(UserError, match="is no VOC annotation: its root is <html>"):
        read_voc([path], tmp_path, Gathering(Categories(["cat"])))
