"""COCO files, drawn by hand."""

import json
import sys

import numpy as np
import pytest
from pycocotools import mask as coco_mask

from sgcampp.annotations.categories import Categories
from sgcampp.annotations.coco import read_coco
from sgcampp.annotations.gathering import Gathering
from sgcampp.annotations.shapes import Box, Polygons, Runs
from sgcampp.errors import UserError

IMAGE = {"id": 1, "file_name": "a/cat.jpg", "height": 3, "width": 4}
CATEGORY = {"id": 18, "name": "cat"}
OF = {"image_id": 1, "category_id": 18}
BOX = {**OF, "bbox": [1, 0.5, 2, 2]}


def gathered(tmp_path, annotations, images=(IMAGE,), categories=(CATEGORY,), **more):
    path = tmp_path / "instances.json"
    document = {"images": images, "annotations": annotations, "categories": categories}
    path.write_text(json.dumps(document | more))
    gathering = Gathering(Categories(["tabby", "cat"]))
    read_coco(path, gathering)
    return gathering


def only(gathering):
    (image,) = gathering.images.values()
    (instance,) = image.instances
    return instance


def dropped(gathering):
    return {reason: what.count for reason, what in gathering.dropped.items()}


def test_a_box(tmp_path):
    found = gathered(tmp_path, [BOX])
    assert list(found.images) == ["a/cat.jpg"]
    assert found.images["a/cat.jpg"].size == (3, 4)
    one = only(found)
    assert (one.category, one.classes, one.crowd) == ("cat", (1,), False)
    assert one.shape == Box(top=0.5, left=1, height=2, width=2)


def test_polygons_go_before_the_box(tmp_path):
    parts = [[0, 0, 2, 0, 2, 2, 0, 2], [3, 2, 4, 2, 4, 3], [1, 1, 2, 2]]
    one = only(gathered(tmp_path, [{**BOX, "segmentation": parts}]))
    assert one.shape == Polygons((tuple(parts[0]), tuple(parts[1])))  # two points are no polygon
    assert only(gathered(tmp_path, [{**BOX, "segmentation": []}])).shape == Box(0.5, 1, 2, 2)


RUNS = Runs((3, 4), (4, 1, 2, 2, 3))
"""The pixels (1, 1), (1, 2) and (2, 2) of 3 × 4, down the columns."""


def test_a_crowd_of_runs(tmp_path):
    outline = {"size": [3, 4], "counts": [4, 1, 2, 2, 3]}
    one = only(gathered(tmp_path, [{**BOX, "iscrowd": 1, "segmentation": outline}]))
    assert one.crowd and one.shape == RUNS


def test_compressed_runs(tmp_path):
    packed = coco_mask.encode(np.asfortranarray(RUNS.pixels().astype(np.uint8)))
    assert packed["counts"] == b"41211"  # 4, 1, 2, then 2 and 3 less the last but one
    outline = {"size": [3, 4], "counts": "41211"}
    assert only(gathered(tmp_path, [{**BOX, "segmentation": outline}])).shape == RUNS
    full = coco_mask.encode(np.asfortranarray(np.ones((3, 4), np.uint8)))["counts"].decode()
    outline = {"size": [3, 4], "counts": full}
    assert only(gathered(tmp_path, [{**BOX, "segmentation": outline}])).shape.lengths == (0, 12)


@pytest.mark.parametrize("counts", ["4", "412", "", "9999", "ooooooo", "\u00ff", "41200000"])
def test_compressed_runs_that_do_not_fill_the_image(tmp_path, counts):
    outline = {"size": [3, 4], "counts": counts}
    found = gathered(tmp_path, [{**BOX, "segmentation": outline}])
    assert dropped(found) == {"bad outline": 1}


def test_without_pycocotools_the_extra_is_named(tmp_path, monkeypatch):
    monkeypatch.setitem(sys.modules, "pycocotools", None)
    monkeypatch.setitem(sys.modules, "pycocotools.mask", None)
    outline = {"size": [3, 4], "counts": "41211"}
    with pytest.raises(UserError, match=r"annotations\[0\]: .* pip install 'sgcampp\[boxes\]'"):
        gathered(tmp_path, [{**BOX, "segmentation": outline}])
    plain = {"size": [3, 4], "counts": [4, 1, 2, 2, 3]}
    assert only(gathered(tmp_path, [{**BOX, "segmentation": plain}])).shape == RUNS


@pytest.mark.parametrize(
    "annotation, reason",
    [
        ({**OF, "bbox": [1, 1, 0, 2]}, "no area"),
        ({**OF, "bbox": [1, 1, -3, 2]}, "no area"),
        ({**OF, "bbox": [4, 0, 2, 2]}, "outside of the image"),
        ({**OF, "bbox": [-5, 0, 5, 2]}, "outside of the image"),
        ({**BOX, "segmentation": [[0, 0, 1, 1, 2, "x"]]}, "bad outline"),
        ({**BOX, "segmentation": [[0, 0, 1, 1, 2, 1e300]]}, "bad outline"),
        ({**BOX, "segmentation": [[0, 0, 1]]}, "bad outline"),
        ({**BOX, "segmentation": "x"}, "bad outline"),
        ({**BOX, "segmentation": 7}, "bad outline"),
        ({**BOX, "segmentation": [[1, 1, 2, 1, 3, 1]]}, "no area"),
        ({**BOX, "segmentation": [[9, 9, 12, 9, 12, 12]]}, "outside of the image"),
        ({**BOX, "segmentation": {"size": [3, 4], "counts": [4, 1]}}, "bad outline"),
        ({**BOX, "segmentation": {"size": [3, 4], "counts": [13, -1]}}, "bad outline"),
        ({**BOX, "segmentation": {"size": [3, 4], "counts": [12]}}, "no area"),
        ({**BOX, "segmentation": {"size": [4, 3], "counts": [4, 8]}}, "bad outline"),
        ({**BOX, "segmentation": {"size": [3], "counts": [4, 8]}}, "bad outline"),
        ({**BOX, "segmentation": {"counts": [4, 8]}}, "bad outline"),
        ({**BOX, "image_id": 2}, "image not listed"),
        ({**BOX, "category_id": "18"}, "category not listed"),
    ],
)
def test_what_can_not_be_an_object_is_counted(tmp_path, annotation, reason):
    found = gathered(tmp_path, [annotation])
    assert dropped(found) == {reason: 1}
    assert "instances.json: annotations[0]: " in found.dropped[reason].first
    assert not found.images["a/cat.jpg"].instances


def test_a_size_beyond_all_memory_is_not_made(tmp_path):
    image = {"id": 1, "file_name": "cat.jpg"}
    outline = {"size": [10**9, 10**9], "counts": [10**18]}
    found = gathered(tmp_path, [{**BOX, "segmentation": outline}], images=[image])
    assert dropped(found) == {"bad outline": 1}


def test_boxes_that_reach_over_the_edge_are_cut(tmp_path):
    found = gathered(tmp_path, [{**OF, "bbox": [3, 0, 1.4, 3]}, {**OF, "bbox": [-2, -2, 4, 4]}])
    shapes = [one.shape for one in found.images["a/cat.jpg"].instances]
    assert shapes == [Box(0, 3, 3, 1), Box(0, 0, 2, 2)]
    assert dropped(found) == {"cut at the image's edge": 1}  # .4 pixels are rounding


def test_the_same_object_twice_counts_once(tmp_path):
    other = {**OF, "bbox": [1, 0.5, 2, 2.1]}
    found = gathered(tmp_path, [BOX, other, {"id": 9, **BOX}, {**BOX, "iscrowd": 1}])
    assert len(found.images["a/cat.jpg"].instances) == 3
    assert dropped(found) == {"stands twice": 1}


def test_an_unknown_category_counts_as_no_class(tmp_path):
    found = gathered(tmp_path, [BOX], categories=[{"id": 18, "name": "chair"}])
    assert only(found).classes == ()
    assert found.unmapped == {"chair": 1}


@pytest.mark.parametrize(
    "more, said",
    [
        ({"images": None}, "images is no list of objects"),
        ({"annotations": [3]}, "annotations is no list of objects"),
        ({"categories": {}}, "categories is no list of objects"),
        ({"images": [IMAGE, IMAGE]}, "images[1]: id 1 stands twice"),
        ({"images": [{"id": 1}]}, "images[0] has no file_name"),
        ({"images": [{**IMAGE, "id": None}]}, "images[0] has no id, which is a whole number"),
        ({"categories": [{"id": 1, "name": " "}]}, "categories[0] has no name"),
        ({"annotations": [BOX, {"image_id": 1}]}, "annotations[1] has no category_id"),
        ({"annotations": [OF]}, "annotations[0] has no outline and no bbox of four numbers"),
        ({"annotations": [{**OF, "bbox": [1, 2, True, 3]}]}, "annotations[0] has no outline"),
    ],
)
def test_what_is_no_coco_file(tmp_path, more, said):
    with pytest.raises(UserError) as told:
        gathered(tmp_path, **{"annotations": [BOX], **more})
    assert said in str(told.value) and "instances.json: " in str(told.value)


def test_results_are_no_annotations(tmp_path):
    path = tmp_path / "results.json"
    path.write_text("[]")
    with pytest.raises(UserError, match="is no COCO file of images, annotations and categories"):
        read_coco(path, Gathering(Categories(["cat"])))


def test_a_hundred_thousand_boxes(tmp_path):
    images = [{"id": i, "file_name": f"{i}.jpg", "height": 99, "width": 99} for i in range(1000)]
    boxes = [
        {"image_id": i % 1000, "category_id": 18, "bbox": [i % 97, i % 89, 1 + i % 7, 5]}
        for i in range(100_000)
    ]
    found = gathered(tmp_path, boxes, images=images)
    assert sum(len(image.instances) for image in found.images.values()) == 100_000
