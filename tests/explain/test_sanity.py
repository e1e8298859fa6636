"""Whether maps know what the model looks at, and forget it with the model's weights."""

import numpy as np
import pytest
from scipy.stats import spearmanr

from sgcampp import Explainer
from sgcampp.explain.methods import METHODS, Needs

SIDE, PATCH, CELLS = 32, 8, 4
EDGES = {"guided_backprop", "deconvnet"}
"""Methods that are known to draw edges, whatever the model looks at."""
OTHERS = sorted(
    name
    for name, method in METHODS.items()
    # Those that perturb have the like in test_perturbation_methods, with settings of their own.
    if name not in EDGES and method.needs not in {Needs.SCORES, Needs.BACKGROUND}
)


def planted(pooled):
    """Class 1 by the lower left patch: by its place, or by its colour where places are pooled."""
    import keras

    layers = keras.layers
    stack = [
        keras.Input((SIDE, SIDE, 3)),
        layers.AveragePooling2D(PATCH),
        layers.Conv2D(2, 1, activation="relu", name="features"),
        layers.GlobalAveragePooling2D() if pooled else layers.Flatten(),
        layers.Dense(2, activation="softmax"),
    ]
    model = keras.Sequential(stack)
    kernel = np.array([[[[2, 1], [-1, 1], [-1, 1]]]]) / 3  # red alone, and how bright
    dense = np.zeros((1 if pooled else CELLS**2, 2, 2))
    dense[0 if pooled else CELLS**2 - CELLS, 0] = (-4, 4)
    model.set_weights([kernel, np.zeros(2), dense.reshape(-1, 2), np.array([2.0, -2.0])])
    images = np.random.default_rng(3).uniform(0, 0.4, (2, SIDE, SIDE, 3)).astype(np.float32)
    images[:, -PATCH:, :PATCH, 0] += 0.6
    return model, images


@pytest.mark.parametrize("name", OTHERS)
def test_the_maximum_lies_in_the_planted_patch(name):
    model, images = planted(pooled=METHODS[name].pooled_head)
    found = Explainer(model, "features", name, nsamples=4, std_dev=0.1, batch_size=8, ig_steps=8)(
        images, 1
    )
    for L in found.maps:
        h, w = L.shape
        row, column = np.unravel_index(np.argmax(L), L.shape)
        assert row >= h * 3 / 4 and column < w / 4, (row, column)


@pytest.fixture(scope="module")
def kept(photographs):
    """Of each method, the rank correlation of its map with that of shuffled upper weights."""
    import sgcampp

    classifier = sgcampp.load_model("efficientnet-lite0")
    x = classifier.preprocess(photographs["chelsea"])[0][None]
    methods = ["gradient", "input_x_gradient", "deep_lift", "grad_cam", *sorted(EDGES)]

    explainer = Explainer(classifier, "block10_add", methods, batch_size=2)

    def maps():
        return {one.method: one.maps[0].ravel() for one in explainer.each(x, 285)}

    before = maps()
    rng = np.random.default_rng(0)
    weighted = [layer for layer in classifier.model.layers if layer.weights]
    first = [layer.name for layer in weighted].index("block14_expand")
    for layer in weighted[first:]:
        for weight in layer.weights:
            if weight.path.endswith("kernel"):
                values = weight.numpy()
                weight.assign(rng.permutation(values.ravel()).reshape(values.shape))
    return {name: spearmanr(before[name], L).statistic for name, L in maps().items()}


def test_edges_outlive_the_weights(kept):
    """Adebayo et al. 2018: guided backpropagation hardly notices that the model is another."""
    assert all(kept[name] > 0.9 for name in EDGES), kept


@pytest.mark.parametrize("name", ["gradient", "input_x_gradient", "deep_lift", "grad_cam"])
def test_evidence_does_not(kept, name):
    assert kept[name] < 0.6
