from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from sgcampp.explain.moments import add_samples, effective_samples, no_moments


class Terms(NamedTuple):
    d: Any


def stream(S, terms, cuts, score, use=None):
    """Runs one image's samples through the moments in slices."""
    use = np.ones(len(S), bool) if use is None else use
    moments = no_moments(1, Terms(2), tf.float64)
    for part in np.split(np.arange(len(S)), cuts):
        moments = add_samples(
            moments,
            tf.constant(S[None, part]),
            tf.constant(use[part]),
            Terms(tf.constant(terms[None, part])),
            score,
        )
    return moments


@pytest.mark.parametrize("cuts", [[], [3], [1, 2, 3, 4, 5, 6], [6]])
@pytest.mark.parametrize("score", ["exp_logit", "logit"])
def test_streaming_is_the_sum_however_it_is_cut(cuts, score):
    rng = np.random.default_rng(0)
    S, terms = rng.normal(0, 3, 7), rng.normal(size=(7, 2, 3))
    moments = stream(S, terms, cuts, score)
    w = np.exp(S - S.max()) if score == "exp_logit" else np.ones(7)
    np.testing.assert_allclose(moments.sums.d[0], np.tensordot(w, terms, 1), rtol=1e-12)
    np.testing.assert_allclose(
        effective_samples(moments)[0], w.sum() ** 2 / (w**2).sum(), rtol=1e-12
    )
    assert moments.top[0] == S.max()


def test_scores_of_any_size_stay_finite():
    S = np.array([-1e5, 500.0, 1e5, -500.0])
    moments = stream(S, np.ones((4, 1, 1)), [1, 2, 3], "exp_logit")
    assert moments.sums.d.numpy().item() == 1.0
    assert moments.top[0] == 1e5


def test_unused_samples_do_not_count_even_with_the_highest_score():
    S, terms = np.array([900.0, 1.0, 2.0]), np.arange(3.0).reshape(3, 1, 1)
    moments = stream(S, terms, [1], "exp_logit", use=np.array([False, True, True]))
    assert moments.top[0] == 2.0
    np.testing.assert_allclose(moments.sums.d.numpy().item(), 1 * np.exp(-1) + 2)


@pytest.mark.parametrize("samples", [1, 5, 6, 10, 17])
def test_sums_have_the_same_bits_wherever_an_image_stands(samples):
    """An exponential in a tensor's last, unfilled pack of numbers comes from another routine."""
    rng = np.random.default_rng(samples)
    use = tf.ones([samples], bool)

    @tf.function(autograph=False)
    def added(S, terms):
        sums = no_moments(tf.shape(S)[0], Terms(1), tf.float32)
        return add_samples(sums, S, use, Terms(terms), "exp_logit")

    for _ in range(40):
        S = rng.normal(0, 3, (1, samples)).astype(np.float32)
        terms = rng.normal(size=(1, samples, 7)).astype(np.float32)
        got = added(tf.repeat(S, 3, 0), tf.repeat(terms, 3, 0))
        for part in tf.nest.flatten(got):
            np.testing.assert_array_equal(part, tf.repeat(part[:1], 3, 0))
