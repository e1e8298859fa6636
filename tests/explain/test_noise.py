import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError, noised_samples
from sgcampp.explain.noise import check_noise


def test_sample_m_depends_on_seed_and_m_alone():
    a, b = tiny.images(2)
    few, many = noised_samples(a, 2, 0.2, seed=5), noised_samples(a, 6, 0.2, seed=5)
    np.testing.assert_array_equal(few, many[:2])
    noise = (many - a) / (0.2 * np.ptp(a)), (noised_samples(b, 6, 0.2, 5) - b) / (0.2 * np.ptp(b))
    np.testing.assert_allclose(*noise, atol=2e-5)
    assert np.abs(many[0] - many[1]).max() > 0.1
    assert np.abs(noised_samples(a, 1, 0.2, seed=6) - few[:1]).max() > 0.1


@pytest.mark.parametrize(("scale", "sigma"), [("range", 0.2 * 9.0), ("absolute", 0.2)])
def test_noise_is_normal_with_the_sigma_that_noise_scale_names(scale, sigma):
    image = np.zeros((50, 50, 3), np.float32)
    image[0, 0, 0] = 9.0
    noise = noised_samples(image, 8, 0.2, noise_scale=scale) - image
    assert noise.mean() == pytest.approx(0, abs=4 * sigma / noise.size**0.5)
    assert noise.std() == pytest.approx(sigma, rel=0.01)


def test_they_are_exactly_what_the_engine_runs():
    """A model whose score is affine in its input makes the engine's samples visible."""
    import keras

    x = tiny.images(1)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((8, 8, 3)),
            layers.Activation("linear", name="input_copy"),
            layers.Flatten(),
            layers.Dense(3, activation="relu"),
            layers.Dense(2),
        ]
    )
    explain = Explainer(model, "input_copy", nsamples=1, std_dev=0.3, seed=9, activations="mean")
    state = explain.ensemble(1, (8, 8, 3)).engines[0]
    got = []
    original = state._step

    def step(*args):
        result = original(*args)
        got.append(result.places[0].A_sum.numpy()[:, 0])
        return result

    state._step = step
    explain(x)
    np.testing.assert_array_equal(got[-1], noised_samples(x[0], 1, 0.3, seed=9))


@pytest.mark.parametrize(
    ("given", "word"),
    [
        ((-1, 0.1, 0), "nsamples"),
        ((1.5, 0.1, 0), "nsamples"),
        ((True, 0.1, 0), "nsamples"),
        ((1, float("nan"), 0), "std_dev"),
        ((1, float("inf"), 0), "std_dev"),
        ((1, -0.1, 0), "std_dev"),
        ((1, "0.1", 0), "std_dev"),
        ((1, 0.1, -1), "seed"),
        ((1, 0.1, 2**63), "seed"),
    ],
)
def test_values_out_of_range_are_refused(given, word):
    with pytest.raises(UserError, match=word):
        check_noise(*given)


def test_wrong_shapes_are_refused():
    with pytest.raises(UserError, match=r"shape \(2, 8, 8, 3\)"):
        noised_samples(tiny.images(2), 1, 0.1)
