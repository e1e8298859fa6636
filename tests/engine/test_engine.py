"""Properties that hold whatever the numbers: batching, order, sharing, processes, affine heads."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError, grad_cam_plus_smooth
from sgcampp.engine.grid import lay_out
from sgcampp.explain.classes import NO_CLASS
from sgcampp.explain.methods import METHODS

ROOT = Path(__file__).parents[2]


def engine_of(explainer, shape=(8, 8, 3), classes=1):
    (engine,) = explainer.ensemble(classes, shape).engines
    return engine


def run(explainer, images, grid, codes=(-1,)):
    """Maps of the images, at the grid's (b, s)."""
    engine = engine_of(explainer, images.shape[1:], len(codes))
    pairs = np.array([[c, NO_CLASS] for c in codes], np.int32)
    parts = [
        engine.run(
            images[at : at + grid.images],
            np.tile(pairs, (len(images[at : at + grid.images]), 1, 1)),
            grid,
        ).maps[explainer.looks[0]]
        for at in range(0, len(images), grid.images)
    ]
    return np.concatenate([part.whole for part in parts])


@pytest.fixture(scope="module")
def real():
    """A real network at a real layer, on small inputs so that it is quick."""
    import keras

    keras.utils.set_random_seed(3)
    model = keras.applications.MobileNetV2(weights=None, input_shape=(64, 64, 3), classes=7)
    images = np.random.default_rng(0).uniform(-1, 1, (9, 64, 64, 3)).astype(np.float32)
    return Explainer(model, "block_12_add", nsamples=5, std_dev=0.2, batch_size=16), images


def test_bits_do_not_depend_on_order_neighbours_or_padding(real):
    explainer, images = real
    grid = lay_out(5, 16, 1000)
    assert grid.images == 2
    maps = run(explainer, images, grid)
    assert maps.max() > 0
    order = np.random.default_rng(1).permutation(len(images))
    np.testing.assert_array_equal(run(explainer, images[order], grid), maps[order])
    for i in (0, 1, 4, 8):
        np.testing.assert_array_equal(run(explainer, images[i : i + 1], grid), maps[i : i + 1])
    np.testing.assert_array_equal(run(explainer, images[3:6], grid), maps[3:6])


def test_across_batch_sizes_maps_agree_to_1e_4_of_their_maximum(real):
    explainer, images = real
    maps = run(explainer, images, lay_out(5, 16, 1000))
    for batch_size in (1, 4, 6, 32, 64):
        other = run(explainer, images, lay_out(5, batch_size, 1000))
        peak = maps.max((-2, -1), keepdims=True)
        assert (np.abs(other - maps) / peak).max() < 1e-4


CHILD = """
import sys, numpy as np
sys.path[:0] = [{tests!r}, {root!r}]
import tiny
from sgcampp import Explainer
x = tiny.images(3)
maps = Explainer(tiny.relu_cnn().model, "features", nsamples=4, std_dev=0.3, seed=2)(x).maps
np.save(sys.argv[1], maps)
"""


@pytest.mark.end_to_end
def test_a_new_process_gives_the_same_bits(tmp_path, twin):
    child = CHILD.format(tests=str(ROOT / "tests"), root=str(ROOT))
    subprocess.run([sys.executable, "-c", child, str(tmp_path / "maps.npy")], check=True)
    here = Explainer(twin.model, "features", nsamples=4, std_dev=0.3, seed=2)(tiny.images(3)).maps
    np.testing.assert_array_equal(np.load(tmp_path / "maps.npy"), here)


def test_n_0_is_grad_cam_pp(twin):
    images = tiny.images(4)
    smooth = Explainer(twin.model, "features", "smooth_grad_cam_pp", nsamples=0)(images)
    plain = Explainer(twin.model, "features", "grad_cam_pp", nsamples=0)(images)
    np.testing.assert_array_equal(smooth.maps, plain.maps)
    np.testing.assert_array_equal(smooth.log_scale, plain.log_scale)


def test_all_filters_are_no_filters(twin):
    images = tiny.images(3)
    whole = Explainer(twin.model, "features", nsamples=3)(images)
    listed = Explainer(twin.model, "features", nsamples=3, filters=range(tiny.MAPS))(images)
    np.testing.assert_array_equal(whole.maps, listed.maps)


def test_a_partition_of_the_feature_maps_adds_up_before_the_last_relu(twin):
    """Every w^k A^k is >= 0 after a ReLU with nonnegative alphas, so the ReLUs change nothing."""
    images = tiny.images(3)
    whole = Explainer(twin.model, "features", nsamples=3)(images).maps
    parts = [
        Explainer(twin.model, "features", nsamples=3, filters=filters)(images).maps
        for filters in ([0, 3], [1], [2, 4])
    ]
    np.testing.assert_allclose(sum(parts), whole, rtol=1e-5, atol=1e-6 * whole.max())
    single = Explainer(twin.model, "features", nsamples=3, filters=[0, 1, 2, 3, 4])(images)
    np.testing.assert_allclose(single.filter_maps.sum(1), whole, rtol=1e-5, atol=1e-6 * whole.max())


def test_grad_cam_adds_up_before_the_last_relu(twin):
    """Signed weights: the weighted maps themselves, not their ReLUs, must add up."""
    import tensorflow as tf

    from sgcampp.explain.choices import Choices
    from sgcampp.explain.lens import Lens
    from sgcampp.explain.selection import Selection

    rng = np.random.default_rng(0)
    A, g = tf.constant(rng.uniform(0, 1, (4, 4, 6))), tf.constant(rng.normal(size=(4, 4, 6)))
    sums = []
    for filters in (None, [0, 5], [1, 2], [3, 4]):
        lens = Lens(Selection(filters), Choices(), "features")
        part = [lens.feature_maps(x) for x in (A, g, g * g, g * g * g)]
        weighted = METHODS["grad_cam"].function(_evidence(tf, part), Choices()).maps.numpy().sum(-1)
        sums.append(weighted)
    np.testing.assert_allclose(sums[0], sum(sums[1:]), rtol=1e-12)
    assert sums[0].min() < 0


def _evidence(tf, part):
    from sgcampp.explain.methods import Evidence

    return Evidence(*part, tf.ones([4, 4, 1], tf.float64))


def test_an_affine_head_runs_one_pass_and_equals_n_passes(monkeypatch):
    model, images = tiny.affine_cnn(), tiny.images(3)
    fast = Explainer(model, "features", nsamples=6, std_dev=0.5)
    got = fast(images)
    assert got.affine_head
    assert got.nsamples == 0
    monkeypatch.setattr("sgcampp.engine.discovery.moved_by", lambda x: x.graph.get_operations())
    full = Explainer(model, "features", nsamples=6, std_dev=0.5)(images)
    assert full.nsamples == 6
    peak = lambda maps: maps.max((-2, -1), keepdims=True)  # noqa: E731
    np.testing.assert_allclose(got.maps / peak(got.maps), full.maps / peak(full.maps), atol=3e-6)


def test_averaged_activations_need_every_pass_even_with_an_affine_head():
    model, images = tiny.affine_cnn(), tiny.images(2)
    got = Explainer(model, "features", nsamples=6, std_dev=0.5, activations="mean")(images)
    assert got.affine_head
    assert got.nsamples == 6


def test_an_earlier_layer_and_a_relu_head_are_not_affine(twin):
    images = tiny.images(1)
    assert not Explainer(tiny.affine_cnn(), "early", nsamples=1)(images).affine_head
    assert not Explainer(twin.model, "features", nsamples=1)(images).affine_head


def test_a_head_gated_by_another_branch_is_not_affine():
    """S is linear in A here, but dS/dA changes with the image: noise changes the map."""
    import keras

    layers = keras.layers
    x = keras.Input((8, 8, 3))
    features = layers.Conv2D(4, 3, padding="same", activation="relu", name="features")(x)
    gate = layers.Dense(4, activation="sigmoid")(layers.GlobalAveragePooling2D()(x))
    gated = layers.Multiply()([layers.GlobalAveragePooling2D()(features), gate])
    model = keras.Model(x, layers.Dense(3, activation="softmax")(gated))
    got = Explainer(model, "features", nsamples=4, std_dev=0.5)(tiny.images(1))
    assert not got.affine_head
    assert got.nsamples == 4


def test_methods_share_samples_and_agree_with_single_runs(twin):
    images, settings = tiny.images(2), {"nsamples": 5, "std_dev": 0.3}
    methods = ["grad_cam", "grad_cam_pp", "smooth_grad_cam", "smooth_grad_cam_pp"]
    together = Explainer(twin.model, "features", methods, **settings)
    each = together.each(images)
    assert [found.method for found in each] == methods
    assert len(together.ensemble(1, (8, 8, 3)).engines) == 1
    for found in each:
        alone = Explainer(twin.model, "features", found.method, **settings)(images)
        np.testing.assert_allclose(found.maps, alone.maps, atol=1e-5 * alone.maps.max())
        np.testing.assert_allclose(found.ess, alone.ess, rtol=1e-5)


def test_several_classes_share_samples_and_agree_with_single_ones(twin):
    images = tiny.images(3)
    explain = Explainer(twin.model, "features", nsamples=3, std_dev=0.3)
    ranked = explain(images, "top3")
    assert ranked.maps.shape == (3, 3, 8, 8)
    for i, x in enumerate(images):
        np.testing.assert_array_equal(ranked.class_idx[i], np.argsort(-twin.logits(x))[:3])
    for t in range(3):
        alone = explain(images, ranked.class_idx[:, t].tolist())
        np.testing.assert_allclose(
            alone.maps, ranked.maps[:, t], atol=1e-5 * max(alone.maps.max(), 1e-9)
        )


@pytest.mark.parametrize("factor", [1e3, 1e4, -1e4])
def test_scores_of_any_size_give_finite_maps(factor):
    twin = tiny.relu_cnn(scale=factor)
    images = tiny.images(4)
    got = Explainer(twin.model, "features", nsamples=6, std_dev=0.5)(images)
    assert np.abs(got.scores).max() > 500
    assert np.isfinite(got.maps).all()
    assert np.isfinite(got.log_scale).all()
    assert ((got.maps.max((1, 2)) > 0) == (got.reasons == "")).all()


def test_flat_maps_get_zeros_and_a_reason():
    twin = tiny.relu_cnn()
    weights = twin.model.get_weights()
    black = np.zeros((1, 8, 8, 3), np.float32)

    def reason(change):
        altered = [w.copy() for w in weights]
        change(altered)
        twin.model.set_weights(altered)
        got = Explainer(twin.model, "features", nsamples=2)(black)
        assert not got.maps.any()
        return got.reasons[0]

    def dead_features(w):
        w[0][:], w[1][:] = 0, -1

    def dead_head(w):
        w[4][:] = 0

    def negative_evidence(w):
        w[2][:], w[3][:], w[4][:] = np.abs(w[2]), 1, -np.abs(w[4])

    def overflow(w):
        w[4][:] = 3e38

    assert reason(dead_features) in {"no_activation", "no_gradient"}
    assert reason(dead_head) == "no_gradient"
    assert reason(negative_evidence) == "no_positive_evidence"
    assert reason(overflow) == "not_finite"
    twin.model.set_weights(weights)


def test_the_class_is_held_for_the_noised_samples(twin):
    """At a noise where the argmax changes, the map is still that of the clean image's class."""
    x = tiny.images(12)
    explain = Explainer(twin.model, "features", nsamples=4, std_dev=0.8)
    by_rank = explain(x)
    named = explain(x, by_rank.class_idx.tolist())
    np.testing.assert_array_equal(by_rank.maps, named.maps)
    noisy = Explainer(twin.model, "features", nsamples=0)(
        x + np.random.default_rng(0).normal(0, 1.6, x.shape).astype(np.float32)
    )
    assert (noisy.class_idx != by_rank.class_idx).any()


def test_the_paper_s_call_runs_as_printed():
    import keras

    model = keras.applications.VGG16(weights=None, input_shape=(224, 224, 3))
    img = np.random.default_rng(0).uniform(-120, 130, (1, 224, 224, 3)).astype(np.float32)
    L = grad_cam_plus_smooth(
        model,
        img,
        layer_name="block5_conv3",
        nsamples=5,
        std_dev=0.3,
        filters=[0],
        region=True,
        subset=[(0, 10), (12, 12)],
    )
    assert L.shape == (14, 14)
    assert L.dtype == np.float32
    outside = np.ones((14, 14), bool)
    outside[0:13, 10:13] = False
    assert not L[outside].any()


def test_the_model_is_left_untouched(twin):
    before = [w.copy() for w in twin.model.get_weights()]
    Explainer(twin.model, "features", nsamples=2)(tiny.images(2))
    for old, new in zip(before, twin.model.get_weights(), strict=True):
        np.testing.assert_array_equal(old, new)
    assert not any("call" in vars(layer) for layer in twin.model.layers)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"layer_name": "featurs"}, "did you mean 'features'"),
        ({"layer_name": "features", "filters": [5]}, "5 feature maps"),
        ({"layer_name": "features", "subset": [(8, 0)]}, "8 rows and 8 columns"),
        ({"method": "smooth_gradcam"}, "did you mean 'smooth_grad_cam'"),
        ({"nsamples": -1}, "nsamples"),
        ({"std_dev": float("nan")}, "std_dev"),
        ({"batch_size": 0}, "batch_size"),
        ({"score": "logits"}, "exp_logit or logit"),
        ({"scores": "logit"}, "did you mean 'score'"),
    ],
)
def test_bad_arguments_are_refused_in_one_sentence(twin, arguments, message):
    with pytest.raises(UserError, match=message) as refused:
        Explainer(twin.model, **arguments)(tiny.images(1))
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize(
    ("images", "targets", "message"),
    [
        (np.zeros((1, 9, 8, 3)), None, r"shape \(1, 9, 8, 3\)"),
        (np.zeros((8, 8, 3)), None, r"shape \(8, 8, 3\)"),
        (np.zeros((0, 8, 8, 3)), None, r"shape \(0, 8, 8, 3\)"),
        (np.zeros((1, 8, 8, 3)), 4, "class 4 does not exist: the model has 4 classes, 0 to 3"),
        (np.zeros((1, 8, 8, 3)), "top5", "top5 asks for more"),
        (np.zeros((1, 8, 8, 3)), "cat", "no labels"),
        (np.zeros((1, 8, 8, 3)), [1, 2], "2 targets for 1 images"),
    ],
)
def test_bad_images_and_targets_are_refused(twin, images, targets, message):
    with pytest.raises(UserError, match=message):
        Explainer(twin.model, "features")(images, targets)


def test_frozen_weights_give_the_same_maps(real):
    explainer, images = real
    live = explainer(images[:3])
    frozen = Explainer(
        explainer.model,
        "block_12_add",
        nsamples=5,
        std_dev=0.2,
        batch_size=16,
        frozen=True,
    )(images[:3])
    np.testing.assert_allclose(frozen.maps, live.maps, atol=1e-4 * live.maps.max())


def test_live_weights_follow_further_training_and_frozen_ones_do_not():
    twin, images = tiny.relu_cnn(), tiny.images(1)
    live, frozen = (Explainer(twin.model, "features", frozen=f) for f in (False, True))
    before = live(images).scores, frozen(images).scores
    twin.model.set_weights([0.5 * w for w in twin.model.get_weights()])
    assert live(images).scores != before[0]
    assert frozen(images).scores == before[1]
