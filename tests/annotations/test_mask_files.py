"""Masks as PNGs."""

import numpy as np
import pytest
from PIL import Image

from sgcampp.annotations import mask_files
from sgcampp.annotations.instances import AnnotationFault
from sgcampp.annotations.mask_files import read_mask


def read(tmp_path, picture):
    path = tmp_path / "mask.png"
    picture.save(path)
    size, instances = read_mask(path)
    assert all(one.category is None and one.classes is None for one in instances)
    return size, [one.shape.inside.astype(int).tolist() for one in instances]


def grey(rows, dtype=np.uint8):
    return Image.fromarray(np.array(rows, dtype))


def test_one_value_is_one_object(tmp_path):
    assert read(tmp_path, grey([[0, 255, 255]])) == ((1, 3), [[[0, 1, 1]]])
    assert read(tmp_path, grey([[0, 1], [0, 0]])) == ((2, 2), [[[0, 1], [0, 0]]])


def test_several_values_are_several_objects(tmp_path):
    assert read(tmp_path, grey([[2, 0, 9, 9]]))[1] == [[[1, 0, 0, 0]], [[0, 0, 1, 1]]]
    assert read(tmp_path, grey([[300, 0, 9]], np.uint16))[1] == [[[0, 0, 1]], [[1, 0, 0]]]


def test_nothing_but_zeros_is_no_object(tmp_path):
    assert read(tmp_path, grey([[0, 0]])) == ((1, 2), [])


def test_palettes_are_indices_and_255_the_border_around_objects(tmp_path):
    picture = Image.new("P", (4, 1))
    picture.putpalette([0, 0, 0, 200, 0, 0, 0, 200, 0, *[0] * (3 * 253)])
    picture.putdata([1, 255, 2, 0])
    assert read(tmp_path, picture)[1] == [[[1, 0, 0, 0]], [[0, 0, 1, 0]]]
    picture.putdata([0, 255, 255, 0])
    assert read(tmp_path, picture)[1] == [[[0, 1, 1, 0]]]


def test_colours_are_values_and_transparency_is_none(tmp_path):
    rgb = grey([[[255, 0, 0], [0, 0, 0], [0, 0, 255], [255, 0, 0]]])
    assert read(tmp_path, rgb)[1] == [[[1, 0, 0, 1]], [[0, 0, 1, 0]]]
    rgba = grey([[[9, 9, 9, 255], [0, 0, 0, 255], [9, 9, 9, 0]]])
    assert read(tmp_path, rgba)[1] == [[[1, 0, 1]]]
    with_alpha = grey([[[7, 255], [0, 255]]])
    assert with_alpha.mode == "LA"
    assert read(tmp_path, with_alpha)[1] == [[[1, 0]]]


def test_one_bit(tmp_path):
    assert read(tmp_path, Image.fromarray(np.array([[False, True]])))[1] == [[[0, 1]]]


@pytest.mark.parametrize("data", [b"", b"\x89PNG\r\n\x1a\n", b"GIF89a"])
def test_what_is_no_png_is_a_fault_of_that_image(tmp_path, data):
    path = tmp_path / "mask.png"
    path.write_bytes(data)
    with pytest.raises(AnnotationFault) as told:
        read_mask(path)
    assert told.value.reason == "mask can't be read" and str(path) in str(told.value)


def test_half_a_png_and_none(tmp_path):
    path = tmp_path / "mask.png"
    grey(np.random.default_rng(0).integers(0, 255, (64, 64))).save(path)
    path.write_bytes(path.read_bytes()[:1500])
    with pytest.raises(AnnotationFault):
        read_mask(path)
    path.unlink()
    with pytest.raises(AnnotationFault, match="No such file"):
        read_mask(path)


def test_more_pixels_than_are_held(tmp_path, monkeypatch):
    monkeypatch.setattr(mask_files, "MAX_PIXELS", 3)
    path = tmp_path / "mask.png"
    grey([[0, 1], [0, 0]]).save(path)
    with pytest.raises(AnnotationFault, match="has more than 3 pixels"):
        read_mask(path)
