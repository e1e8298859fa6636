from typing import Any, NamedTuple

import numpy as np
import pytest
import tensorflow as tf

from sgcampp.explain.moments import (
    add_samples,
    counts_without,
    effective_samples,
    mean_terms,
    no_moments,
    terms_without,
)


class Terms(NamedTuple):
    d: Any


def stream(S, terms, cuts, score, use=None, groups=1, before=None):
    """Runs one image's samples through the moments in slices; sample m goes to group m mod G."""
    use = np.ones(len(S), bool) if use is None else use
    moments = before or no_moments(1, groups, Terms(2), tf.float64)
    for part in np.split(np.arange(len(S)), cuts):
        of_group = np.eye(groups, dtype=bool)[part % groups]

        def add(sums, weight, part=part, of_group=of_group):
            weighted = weight.numpy()[0][:, None, None] * terms[part]
            return Terms(sums.d + np.einsum("sg,shw->ghw", of_group, weighted)[None])

        moments = add_samples(
            moments,
            tf.constant(S[None, part]),
            tf.constant(use[None, part]),
            tf.constant((of_group & use[part, None]).sum(0)[None], tf.float64),
            add,
            score,
            tf.constant([part[0] == 0]),
        )
    return moments


@pytest.mark.parametrize("groups", [1, 3])
@pytest.mark.parametrize("cuts", [[], [3], [1, 2, 3, 4, 5, 6], [6]])
@pytest.mark.parametrize("score", ["exp_logit", "logit"])
def test_streaming_is_the_sum_however_it_is_cut(cuts, score, groups):
    rng = np.random.default_rng(0)
    S, terms = rng.normal(0, 3, 7), rng.normal(size=(7, 2, 3))
    moments = stream(S, terms, cuts, score, groups=groups)
    w = np.exp(S - S.max()) if score == "exp_logit" else np.ones(7)
    mean = np.tensordot(w, terms, 1) / 7
    np.testing.assert_allclose(mean_terms(moments).d[0], mean, rtol=1e-12)
    np.testing.assert_allclose(
        effective_samples(moments)[0], w.sum() ** 2 / (w**2).sum(), rtol=1e-12
    )
    assert moments.top[0] == S.max()
    for j in range(groups if groups > 1 else 0):
        others = np.arange(7) % groups != j
        total = np.tensordot(w[others], terms[others], 1)
        np.testing.assert_allclose(terms_without(moments).d[0, j], total, rtol=1e-12, atol=1e-12)
        assert counts_without(moments)[0, j, 0, 0] == others.sum()


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


def test_an_image_that_starts_anew_forgets_what_was_in_its_place():
    """To the bit, and even if that had overflowed."""
    S, terms = np.array([1.0, 3.0, 2.0]), np.arange(3.0).reshape(3, 1, 1)
    for odd in (np.inf, np.nan, 7.0):
        before = stream(np.array([1e6]), np.full((1, 1, 1), odd), [], "exp_logit")
        after = stream(S, terms, [2], "exp_logit", before=before)
        alone = stream(S, terms, [2], "exp_logit")
        for a, b in zip(tf.nest.flatten(after), tf.nest.flatten(alone), strict=True):
            np.testing.assert_array_equal(a, b)


@pytest.mark.parametrize("samples", [1, 5, 6, 10, 17])
def test_sums_have_the_same_bits_wherever_an_image_stands(samples):
    """An exponential in a tensor's last, unfilled pack of numbers comes from another routine."""
    rng = np.random.default_rng(samples)

    @tf.function(autograph=False)
    def added(S, terms):
        images = tf.shape(S)[0]
        use, anew = tf.fill(tf.shape(S), True), tf.fill([images], False)
        counts = tf.fill([images, 1], float(samples))

        def add(sums, weight):
            return Terms(sums.d + tf.reduce_sum(weight[..., None] * terms, 1)[:, None])

        sums = no_moments(images, 1, Terms(1), tf.float32)
        return add_samples(sums, S, use, counts, add, "exp_logit", anew)

    for _ in range(40):
        S = rng.normal(0, 3, (1, samples)).astype(np.float32)
        terms = rng.normal(size=(1, samples, 7)).astype(np.float32)
        got = added(tf.repeat(S, 3, 0), tf.repeat(terms, 3, 0))
        for part in tf.nest.flatten(got):
            np.testing.assert_array_equal(part, tf.repeat(part[:1], 3, 0))
