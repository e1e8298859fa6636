"""The scan of a network's layer: against activations by Keras, counted and scanned by hand."""

import keras
import numpy as np
import pytest
import tiny

from sgcampp.engine.activations import ActivationReader
from sgcampp.engine.background import Background, Scan, ordered_codes
from sgcampp.engine.baselines import Baselines
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.scanning import ScanEngine
from sgcampp.errors import UserError
from sgcampp.explain.choices import Choices
from sgcampp.explain.looks import looks_of
from sgcampp.explain.scanning import ScanSettings, p_values, scan
from sgcampp.explain.selection import Selection

SHAPE = (tiny.SIZE, tiny.SIZE, tiny.CHANNELS)
CODES = np.full((3, 1, 2), [[-1, np.iinfo(np.int32).min]], np.int32)


@pytest.fixture(scope="module")
def model():
    return tiny.relu_cnn().model


@pytest.fixture(scope="module")
def activations(model):
    """images -> A [N, 8, 8, 5], by a Keras model cut at the layer."""
    return keras.Model(model.inputs, model.get_layer("features").output)


@pytest.fixture(scope="module")
def background(activations):
    rows = ordered_codes(np.array(activations(tiny.images(40, seed=5))).reshape(40, -1))
    return Background({"layer": "features"}, (8, 8, 5), rows)


def look(selection=None, method="subset_scan", layer="features"):
    (one,) = looks_of([layer], [method], Choices(), selection or Selection(), 0, 0.15, 0)
    return one


def scanned(model, background, images, one=None, **settings):
    against = Scan(background, ScanSettings("photos", **settings))
    engine = ScanEngine(model, SHAPE, one or look(), against)
    codes = np.repeat(CODES[:1], len(images), 0)
    result = engine.run(images, codes, engine.lay_out(4, len(images)))
    return next(iter(result.maps.values())), next(iter(result.scanned.values())), result


def test_activations_and_classes_are_the_models_own(model, activations):
    images = tiny.images(3)
    reader = ActivationReader(model, SHAPE, look().where)
    found = reader(images, CODES)
    np.testing.assert_allclose(found.A, activations(images), atol=1e-6)
    np.testing.assert_array_equal(found.classes.class_idx[:, 0], np.argmax(model(images), -1))
    top = np.max(model(images), -1)
    np.testing.assert_allclose(found.classes.probabilities[:, 0], top, rtol=1e-5)


@pytest.mark.parametrize(
    ("statistic", "tail"), [("berk_jones", "both"), ("higher_criticism", "upper")]
)
def test_maps_and_scores_are_those_of_counting(model, activations, background, statistic, tail):
    images = 2 * tiny.images(3, seed=8)
    settings = {"statistic": statistic, "tail": tail, "alpha_max": 0.2}
    maps, facts, _ = scanned(model, background, images, **settings)

    def by_hand(row, own):
        rows = background.rows
        p = p_values((rows >= row).sum(0), (rows <= row).sum(0), 40, tail, own)
        return scan(p.reshape(8, 8, 5), statistic, 0.2)

    ordinary = np.array([by_hand(row, True).score for row in background.rows])
    for n, A in enumerate(np.array(activations(images))):
        found = by_hand(ordered_codes(A.ravel()), False)
        assert facts[n].score == pytest.approx(found.score)
        assert facts[n].neurons == found.chosen.sum() > 0
        assert facts[n].p_value == (1 + (ordinary >= found.score).sum()) / 41
        L = found.chosen.sum(-1) * found.score / found.chosen.sum()
        np.testing.assert_allclose(maps.whole[n, 0], L, rtol=1e-6)
        assert maps.whole[n].sum() == pytest.approx(found.score, rel=1e-5)


def test_a_selection_bounds_what_is_scanned(model, background):
    images = 2 * tiny.images(2, seed=8)
    chosen = look(Selection([3, 1], True, [(0, 0), (3, 7)]))
    maps, facts, _ = scanned(model, background, images, chosen)
    assert maps.whole[:, :, 4:].sum() == 0
    np.testing.assert_allclose(maps.single.sum(-1), maps.whole, rtol=1e-5)
    assert maps.single.shape[-1] == 2 and maps.single[..., 0].any()
    assert all(one.neurons <= 4 * 8 * 2 for one in facts)


def test_a_batch_changes_nothing(model, background):
    images = tiny.images(4, seed=2)
    together, facts, _ = scanned(model, background, images)
    alone, fact, _ = scanned(model, background, images[3:])
    np.testing.assert_allclose(alone.whole[0], together.whole[3], rtol=1e-6)
    assert fact[0] == pytest.approx(facts[3])


def test_an_ordinary_image_may_have_no_map(model, background):
    _, facts, result = scanned(model, background, np.zeros((1, *SHAPE), np.float32), alpha_max=0.01)
    (one,) = result.image_maps(next(iter(result.maps)), 0, 0)
    assert (one.reason, facts[0].score, facts[0].neurons) == ("nothing_unusual", 0, 0)


def test_it_runs_beside_other_methods(model, background):
    looks = [look(), look(method="grad_cam")]
    against = Scan(background, ScanSettings("photos"))
    ensemble = Ensemble(model, SHAPE, looks, 1, Baselines(np.zeros(3, np.float32)), against)
    layout = ensemble.lay_out(4, 2)
    result = ensemble.run(tiny.images(2), CODES[:2], layout)
    assert set(result.maps) == set(looks) and set(result.scanned) == {looks[0]}
    with pytest.raises(UserError, match="subset_scan holds images against ordinary ones"):
        Ensemble(model, SHAPE, looks, 1, Baselines(np.zeros(3, np.float32)))


def test_a_background_of_another_layer_is_refused(model, background):
    with pytest.raises(UserError, match="background is of layer 'features', but 'pooled'"):
        scanned(model, background, tiny.images(1), look(layer="pooled"))
