"""Annotations of any format: which it is, and which image is meant."""

import json

import numpy as np
import pytest
from PIL import Image

from sgcampp.annotations.boxes import read_annotations
from sgcampp.annotations.instances import AnnotationFault, seen
from sgcampp.annotations.shapes import Box
from sgcampp.errors import UserError

LABELS = ("tench", "tabby", "dog")
COCO = {
    "images": [{"id": 1, "file_name": "cat.jpg", "height": 30, "width": 40}],
    "annotations": [{"image_id": 1, "category_id": 5, "bbox": [10, 10, 20, 10]}],
    "categories": [{"id": 5, "name": "tabby"}],
}
CORNERS = "<xmin>11</xmin><ymin>11</ymin><xmax>30</xmax><ymax>20</ymax>"
VOC = (
    "<annotation><filename>cat.jpg</filename><size><width>40</width><height>30</height></size>"
    f"<object><name>tabby</name><bndbox>{CORNERS}</bndbox></object></annotation>"
)
CSV = "cat.jpg,tabby,10,10,20,10\n"


def write_coco(place):
    (place / "a.json").write_text(json.dumps(COCO))
    return place / "a.json"


def write_voc(place):
    (place / "voc").mkdir()
    (place / "voc" / "cat.xml").write_text(VOC)
    return place / "voc"


def write_csv(place):
    (place / "a.csv").write_text(CSV)
    return place / "a.csv"


def write_masks(place):
    (place / "masks").mkdir()
    inside = np.zeros((30, 40), np.uint8)
    inside[10:20, 10:30] = 255
    Image.fromarray(inside).save(place / "masks" / "cat.png")
    return place / "masks"


FORMATS = {"coco": write_coco, "voc": write_voc, "csv": write_csv, "masks": write_masks}


@pytest.mark.parametrize("kind", FORMATS)
def test_one_object_is_the_same_in_each_format(tmp_path, kind):
    found = read_annotations(FORMATS[kind](tmp_path), None, LABELS)
    assert found.format == kind and len(found.images) == 1
    assert "cat.jpg" in found and "dog.jpg" not in found
    assert found.of("dog.jpg") == ()
    (one,) = found.of("set/cat.jpg", size=(30, 40))
    assert one.counts_as(1)
    view = (0, 20, 20, 20)
    through = seen([one], 1, view, (4, 4))
    assert through.masks[0].astype(int).tolist() == [[0] * 4] * 2 + [[1, 1, 0, 0]] * 2
    assert through.cut_off == pytest.approx([0.5])


@pytest.mark.parametrize("kind", ["coco", "voc", "masks"])
def test_a_picture_of_another_size_is_a_fault_of_that_image(tmp_path, kind):
    found = read_annotations(FORMATS[kind](tmp_path), None, LABELS)
    with pytest.raises(AnnotationFault, match="has 40×30 pixels, the image has 30×40") as told:
        found.of("cat.jpg", size=(40, 30))
    assert told.value.reason == "size differs"


def test_a_csv_knows_no_size_so_boxes_are_cut_when_it_is_told(tmp_path):
    (tmp_path / "a.csv").write_text("cat.jpg,tabby,10,10,20,10\ncat.jpg,tabby,50,0,5,5\n")
    found = read_annotations(tmp_path / "a.csv", None, LABELS)
    inside, beside = found.of("cat.jpg", size=(15, 20))
    assert inside.shape == Box(10, 10, 5, 10)
    assert seen([inside, beside], 1, (0, 0, 15, 20), (3, 4)).cut_away == 1


def test_formats_are_told_by_what_they_hold(tmp_path):
    for name, text, kind in [
        ("a.txt", json.dumps(COCO), "coco"),
        ("b.txt", "\ufeff \n" + VOC, "voc"),
        ("c.json.txt", CSV, "csv"),
    ]:
        (tmp_path / name).write_text(text)
        if kind == "voc":
            (tmp_path / name).write_text("\ufeff" + VOC)
        assert read_annotations(tmp_path / name, None, LABELS).format == kind


@pytest.mark.parametrize(
    "key, expected",
    [
        ("a/1.jpg", 1),
        ("x/a/1.jpg", 1),
        ("a\\1.jpg", 1),
        ("2.jpg", 2),
        ("b/2.jpg", 2),
        ("c/2.jpg", 0),
        ("any/3.jpg", 3),
        ("4.jpg", 4),
        ("x/4.png", 4),
        ("4", 4),
        ("5.v2.jpg", 5),
        ("5.jpg", 0),
        ("", 0),
    ],
)
def test_which_image_is_meant(tmp_path, key, expected):
    """Annotated: a/1.jpg, b/2.jpg, 3.jpg, 4, 5.v2, told apart by the widths of their boxes."""
    names = ("a/1.jpg", "b/2.jpg", "3.jpg", "4", "5.v2")
    lines = (f"{name},tabby,0,0,{width},5" for width, name in enumerate(names, 1))
    (tmp_path / "a.csv").write_text("\n".join(lines))
    found = read_annotations(tmp_path / "a.csv", None, LABELS)
    assert sum(one.shape.width for one in found.of(key)) == expected
    assert (key in found) == bool(expected)


def test_the_nearest_directory_decides_and_doubt_is_an_error(tmp_path):
    lines = ("a/1.jpg,dog,0,0,1,5", "b/1.jpg,dog,0,0,2,5", "1.jpg,dog,0,0,3,5")
    (tmp_path / "a.csv").write_text("\n".join(lines))
    found = read_annotations(tmp_path / "a.csv", None, LABELS)
    widths = [found.of(key)[0].shape.width for key in ("x/a/1.jpg", "1.jpg", "c/1.jpg")]
    assert widths == [1, 3, 3]
    (tmp_path / "a.csv").write_text("\n".join(lines[:2]))
    found = read_annotations(tmp_path / "a.csv", None, LABELS)
    with pytest.raises(UserError, match=r"'1.jpg' may be a/1.jpg or b/1.jpg there; name"):
        found.of("1.jpg")


def test_masks_are_called_as_their_images(tmp_path):
    for name in ("a/cat.jpg.png", "dog.PNG", ".hidden.png"):
        (tmp_path / name).parent.mkdir(exist_ok=True)
        Image.fromarray(np.eye(3, dtype=np.uint8)).save(tmp_path / name)
    found = read_annotations(tmp_path, None, LABELS)
    assert sorted(found.images) == ["a/cat.jpg", "dog"]
    assert len(found.of("a/cat.jpg")) == len(found.of("cat.jpg")) == len(found.of("b/dog.jpg")) == 1
    assert found.of("b/cat.jpg") == ()


def test_a_file_of_classes_decides(tmp_path):
    classes = tmp_path / "classes.csv"
    classes.write_text("category,class_idx\ntabby,0\ntabby,2\n")
    (one,) = read_annotations(write_coco(tmp_path), classes, LABELS).of("cat.jpg")
    assert one.classes == (0, 2)


def test_no_category_is_a_class(tmp_path):
    (tmp_path / "a.csv").write_text("1.jpg,tabbi,0,0,1,5\n1.jpg,chair,0,0,1,5\n")
    with pytest.raises(UserError) as told:
        read_annotations(tmp_path / "a.csv", None, LABELS)
    for said in ("a.csv: no category is a class", "'chair', 'tabbi'", "(--classes)"):
        assert said in str(told.value)


def test_some_categories_are_classes(tmp_path):
    (tmp_path / "a.csv").write_text("1.jpg,tabby,0,0,1,5\n1.jpg,chair,0,0,1,5\n")
    found = read_annotations(tmp_path / "a.csv", None, LABELS)
    assert found.unmapped == {"chair": 1}
    assert [one.classes for one in found.of("1.jpg")] == [(1,), ()]


def test_nothing_annotated_is_no_error(tmp_path):
    (tmp_path / "a.csv").write_text("image,class,x,y,w,h\n")
    assert not read_annotations(tmp_path / "a.csv", None, LABELS).images


def both(place):
    write_voc(place)
    Image.new("L", (1, 1)).save(place / "voc" / "a.png")
    return place / "voc"


def picture(place):
    return write_masks(place) / "cat.png"


@pytest.mark.parametrize(
    "make, said",
    [
        (lambda place: place / "none.json", "can't be read: No such file"),
        (lambda place: place, "holds no XML file and no PNG; annotations are a COCO JSON file"),
        (both, "holds XML files and PNGs; name a directory of one of the two"),
        (picture, "is no file of annotations; they are a COCO JSON file"),
    ],
)
def test_what_is_no_annotation(tmp_path, make, said):
    with pytest.raises(UserError) as told:
        read_annotations(make(tmp_path), None, LABELS)
    assert said in str(told.value)


def test_an_empty_json_file_is_not_taken_for_a_csv(tmp_path):
    (tmp_path / "a.json").write_text("")
    with pytest.raises(UserError, match="is no file of annotations"):
        read_annotations(tmp_path / "a.json", None, LABELS)


def test_a_broken_mask_is_found_when_it_is_asked_for(tmp_path):
    (tmp_path / "cat.png").write_bytes(b"broken")
    found = read_annotations(tmp_path, None, LABELS)
    with pytest.raises(AnnotationFault) as told:
        found.of("cat.jpg")
    assert told.value.reason == "mask can't be read"
