"""Scores of model inputs that are made on the device, against the network worked by hand."""

import numpy as np
import pytest
import tensorflow as tf
import tiny

from sgcampp.engine.device import DeviceMemoryError, with_memory
from sgcampp.engine.scoring import Scorer
from sgcampp.errors import RunStopped

ROWS = [tf.TensorSpec([None, 8, 8, 3], tf.float32)]


def softmax(logits):
    shares = np.exp(logits - logits.max())
    return shares / shares.sum()


def test_logits_and_probabilities_are_the_networks_own(twin):
    images = tiny.images(5)
    scorer = Scorer(twin.model, lambda x: x, ROWS)
    outputs = scorer(images)
    assert scorer.class_count == tiny.CLASSES
    for x, logits, probabilities in zip(images, *outputs[:2], strict=True):
        np.testing.assert_allclose(logits, twin.logits(x), atol=1e-5)
        np.testing.assert_allclose(probabilities, softmax(twin.logits(x)), atol=1e-6)


def test_inputs_are_made_on_the_device_of_whatever_is_given(twin):
    def shifted(images, shifts):
        return tf.reshape(images[:, None] + shifts[None, :, None, None, None], [-1, 8, 8, 3])

    scorer = Scorer(twin.model, shifted, [*ROWS, tf.TensorSpec([None], tf.float32)])
    images, shifts = tiny.images(2), np.array([0, 0.25, -1], np.float32)
    logits = scorer(images, shifts).logits.reshape(2, 3, -1)
    for i, s in np.ndindex(2, 3):
        np.testing.assert_allclose(logits[i, s], twin.logits(images[i] + shifts[s]), atol=1e-5)


def test_rows_do_not_depend_on_their_neighbours(twin):
    images = tiny.images(6)
    scorer = Scorer(twin.model, lambda x: x, ROWS)
    whole = scorer(images).logits
    order = np.array([3, 0, 5, 1, 4, 2])
    np.testing.assert_array_equal(scorer(images[order]).logits, whole[order])


def test_frozen_weights_give_the_same_scores(twin):
    images = tiny.images(3)
    live, frozen = (Scorer(twin.model, lambda x: x, ROWS, frozen=f)(images) for f in (False, True))
    np.testing.assert_allclose(frozen.logits, live.logits, atol=1e-6)


def test_a_head_without_softmax_gives_no_probabilities():
    import keras

    flat = [keras.Input((8, 8, 3)), keras.layers.Flatten(), keras.layers.Dense(3)]
    outputs = Scorer(keras.Sequential(flat), lambda x: x, ROWS)(tiny.images(2))
    assert outputs.logits.shape == (2, 3)
    assert np.isnan(outputs.probabilities).all()


def test_no_memory_is_told_apart(twin, monkeypatch):
    scorer = Scorer(twin.model, lambda x: x, ROWS)

    def full(*_):
        raise tf.errors.ResourceExhaustedError(None, None, "OOM when allocating")

    monkeypatch.setattr(scorer, "_score", full)
    with pytest.raises(DeviceMemoryError):
        scorer(tiny.images(1))


def test_batches_are_halved_until_they_fit():
    sizes = [16]

    def work():
        if sizes[-1] > 3:
            raise DeviceMemoryError
        return "done"

    assert with_memory(work, lambda: sizes[-1], sizes.append) == "done"
    assert sizes == [16, 8, 4, 2]

    def never():
        raise DeviceMemoryError

    with pytest.raises(RunStopped, match="no memory even for one image"):
        with_memory(never, lambda: sizes[-1], sizes.append)
    assert sizes[-1] == 1
