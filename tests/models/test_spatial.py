"""Which outputs lie over the image, and how: tokens, channels first, windows, volumes."""

import keras
import numpy as np
import pytest
import tensorflow as tf
import transformers
from keras import layers as kl

from sgcampp.models.layers import list_layers
from sgcampp.models.spatial import Layout, Reading


def read(shape, size=(224, 224), batch=None, layer=None, **settings):
    """The layout of one output [batch, *shape] in an empty trace."""
    reading = Reading(size, batch, **settings)
    return reading.read("layer", layer, keras.KerasTensor((batch, *shape)))[1]


@pytest.fixture(autouse=True)
def _as_tensors(monkeypatch):
    """KerasTensors stand for tensors where only their shape is asked for."""
    monkeypatch.setattr("sgcampp.models.spatial.full_shape", _shape)
    monkeypatch.setattr(Layout, "read", lambda self, tensor: tensor)
    monkeypatch.setattr(Layout, "restore", lambda self, maps, tensor: maps)


def _shape(tensor):
    return tuple(tensor.shape)


@pytest.mark.parametrize(
    ("count", "size", "expected"),
    [
        (196, (224, 224), (14, 14, 0)),
        (197, (224, 224), (14, 14, 1)),
        (257, (224, 224), (16, 16, 1)),
        (577, (384, 384), (24, 24, 1)),
        (1 + 12 * 16, (192, 256), (12, 16, 1)),
        (8 * 4, (256, 128), (8, 4, 0)),
        (14 * 15, (225, 240), (14, 15, 0)),  # patches of 16, the last row cut off
        (198, (224, 224), None),  # a class token and another one
        (77, (224, 224), None),
        (2, (224, 224), None),  # one patch lies nowhere
    ],
)
def test_tokens_lie_as_their_number_tells(count, size, expected):
    layout = read((count, 5), size)
    if expected is None:
        assert layout is None
    else:
        assert layout == Layout((*expected[:2], 5), extra=expected[2])


def test_tokens_lie_as_they_are_said_to():
    assert read((198, 5), tokens=(14, 14)) == Layout((14, 14, 5), extra=2)
    assert read((16, 5), tokens=(2, 8)) == Layout((2, 8, 5), extra=0)
    assert read((195, 5), tokens=(14, 14)) is None
    assert read((213, 5), tokens=(14, 14)) is None  # more than any network adds


def test_a_transposed_layer_of_a_mixer_is_none_of_tokens():
    """256 channels would lie 16×16, but the patches before lie 14×14."""
    reading = Reading((224, 224))
    reading.read("patches", None, keras.KerasTensor((None, 14, 14, 256)))
    assert reading.read("mixed", None, keras.KerasTensor((None, 256, 196)))[1] is None
    joined = reading.read("joined", None, keras.KerasTensor((None, 49, 512)))[1]
    assert joined == Layout((7, 7, 512), extra=0)


def test_windows_are_no_images():
    assert read((49, 5), batch=2) == Layout((7, 7, 5), extra=0)
    reading = Reading((224, 224), 2)
    for shape in [(128, 49, 5), (128, 7, 7, 5)]:
        assert reading.read("window", None, keras.KerasTensor(shape))[1] is None


def test_channels_first_is_told_by_the_layer_and_kept_for_its_shape():
    conv = kl.Conv2D(6, 3, data_format="channels_first")
    last = kl.Conv2D(6, 3, data_format="channels_last")
    reading = Reading((32, 32))
    assert reading.read("conv", conv, keras.KerasTensor((None, 6, 8, 9)))[1].shape == (8, 9, 6)
    assert reading.read("relu", None, keras.KerasTensor((None, 6, 8, 9)))[1].channels_first
    assert reading.read("other", None, keras.KerasTensor((None, 9, 8, 6)))[1] == Layout((9, 8, 6))
    assert reading.read("last", last, keras.KerasTensor((None, 6, 8, 9)))[1] == Layout((6, 8, 9))


@pytest.mark.parametrize(
    ("layout", "shape"),
    [
        (Layout((2, 3, 4)), (5, 2, 3, 4)),
        (Layout((2, 3, 4), channels_first=True), (5, 4, 2, 3)),
        (Layout((2, 3, 4), extra=0), (5, 6, 4)),
        (Layout((2, 3, 4), extra=2), (5, 8, 4)),
    ],
)
def test_what_is_read_can_be_restored(layout, shape, monkeypatch):
    monkeypatch.undo()
    x = np.random.default_rng(0).normal(size=shape)
    maps = layout.read(tf.constant(x))
    assert maps.shape == (5, 2, 3, 4)
    np.testing.assert_array_equal(layout.restore(maps, tf.constant(x)), x)
    if layout.extra is not None:  # row by row, behind what stands for no patch
        np.testing.assert_array_equal(maps[:, 1, 2], x[:, layout.extra + 1 * 3 + 2])
    if layout.channels_first:
        np.testing.assert_array_equal(maps[:, 1, 2], x[:, :, 1, 2])


def test_the_default_lies_before_the_last_attention_where_a_class_token_is_read():
    (chosen,) = [i for i in list_layers(transformers.vit(), (8, 8, 1)) if i.default]
    assert (chosen.address, chosen.shape) == ("block1_ln1", (4, 4, 24))
    infos = list_layers(transformers.vit(class_token=False), (8, 8, 1))
    assert [i.address for i in infos if i.default] == ["last_ln"]
