"""Exact derivatives of Y = exp(S), against finite differences of Y itself, in float64."""

import curved
import numpy as np
import pytest
import reference

from sgcampp import Explainer, UserError, noised_samples

BENT = ["tanh", "gelu", "silu", "softplus"]
NEURONS = [(i, j) for i in range(4) for j in range(4)]


def exact(model, layer="features", **settings):
    return Explainer(model, layer, **{"derivatives": "exact", **settings})


def activations(model):
    import keras

    return keras.Model(model.inputs[0], model.get_layer("features").output)


def sample(model, head, x, c):
    """(A, S, [d1/Y, d2/Y, d3/Y]) of one input."""
    A = activations(model)(x[None]).numpy()[0]
    return A, *curved.true_derivatives(head, A, c)


def oracle(model, head, x, c, noised=(), filters=None, neurons=NEURONS):
    """Eq. 7, 8, 2 of the true derivatives: the map [h, w] and log_scale."""
    A = activations(model)(x[None]).numpy()[0]
    D, top = curved.averaged([sample(model, head, z, c) for z in (noised or [x])])
    weighted, _ = reference.contributions(A, D, "second", "none", filters, neurons)
    return np.maximum(weighted.sum(-1), 0), top


@pytest.mark.parametrize("activation", BENT)
def test_derivatives_are_those_of_finite_differences(activation):
    import tensorflow as tf

    from sgcampp.engine.curvature import with_curvature
    from sgcampp.explain.equations import exact_derivatives_over_Y

    _, head = curved.network(activation)
    A = np.random.default_rng(3).uniform(0, 1, (2, 4, 4, 3))

    @tf.function(autograph=False)
    def traced(A):
        S = head(A)[:, 1]
        (g,) = tf.gradients(S, [A])
        return with_curvature(g, A, np.arange(48, dtype=np.int32), "features")

    found = traced(tf.constant(A))
    assert found.shape == (2, 3, 4, 4, 3)
    got = exact_derivatives_over_Y(*tf.unstack(found, axis=1))
    for row, of_row in enumerate(zip(*(d.numpy() for d in got), strict=True)):
        _, expected = curved.true_derivatives(head, A[row], 1)
        for d, by_differences in zip(of_row, expected, strict=True):
            scale = np.abs(by_differences).max()
            assert scale > 1e-3
            np.testing.assert_allclose(d, by_differences, rtol=0, atol=1e-4 * scale)


@pytest.mark.parametrize("activation", ["tanh", "gelu"])
@pytest.mark.parametrize("n", [0, 4])
def test_maps_are_those_of_the_true_derivatives(activation, n):
    model, head = curved.network(activation)
    x = curved.images(2)
    got = exact(model, nsamples=n, std_dev=0.3, seed=5, alpha_guard="none")(x)
    closed = Explainer(model, "features", nsamples=n, std_dev=0.3, seed=5, alpha_guard="none")(x)
    for i, image in enumerate(x):
        noised = list(noised_samples(image, n, 0.3, 5))
        L, top = oracle(model, head, image, got.class_idx[i], noised)
        np.testing.assert_allclose(got.maps[i], L, rtol=0, atol=1e-4 * L.max())
        assert got.log_scale[i] == pytest.approx(top, abs=1e-6)
        assert np.abs(closed.maps[i] - L).max() > 0.01 * L.max()


def test_filters_and_neurons_bound_what_is_differentiated():
    model, head = curved.network("tanh")
    x, box = curved.images(1), [(0, 1), (2, 3)]
    chosen = {"filters": [2, 0], "subset": box, "region": True, "alpha_guard": "none"}
    got = exact(model, **chosen)(x)
    neurons = [(i, j) for i in range(3) for j in range(1, 4)]
    L, _ = oracle(model, head, x[0], got.class_idx[0], (), [2, 0], neurons)
    np.testing.assert_allclose(got.maps[0], L, rtol=0, atol=1e-4 * L.max())


def test_they_are_the_closed_form_where_relus_are_all_there_is():
    """At the layer behind the bend, and by the rule itself, without the short cut of the plan."""
    import tensorflow as tf

    from sgcampp.engine.curvature import with_curvature

    _, head = curved.network("relu")
    A = np.random.default_rng(3).uniform(0, 1, (2, 4, 4, 3))

    @tf.function(autograph=False)
    def traced(A):
        (g,) = tf.gradients(head(A)[:, 1], [A])
        return g, with_curvature(g, A, np.arange(48, dtype=np.int32), "features")

    g, found = traced(tf.constant(A))
    np.testing.assert_array_equal(found[:, 0], g)
    assert g.numpy().any() and not found[:, 1:].numpy().any()
    model, _ = curved.network("relu")
    settings = {"nsamples": 3, "std_dev": 0.3}
    one, other = (
        Explainer(model, "features", derivatives=form, **settings)(curved.images(2))
        for form in ("exact", "closed")
    )
    np.testing.assert_array_equal(one.maps, other.maps)
    assert one.piecewise_linear and other.piecewise_linear


def test_both_forms_and_other_methods_share_one_sampling():
    model, _ = curved.network("tanh")
    x, settings = curved.images(3), {"nsamples": 3, "std_dev": 0.3, "score": "logit"}
    methods = ["grad_cam", "grad_cam_pp", "smooth_grad_cam_pp"]
    together = exact(model, method=methods, **settings)
    found = together.each(x)
    assert len(together.ensemble(1, (4, 4, 3)).engines) == 1
    for each in found:
        alone = exact(model, method=each.method, **settings)(x)
        np.testing.assert_allclose(each.maps, alone.maps, atol=1e-9 + 1e-6 * alone.maps.max())
        assert not each.piecewise_linear
    closed = Explainer(model, "features", methods, **settings).each(x)
    np.testing.assert_array_equal(found[0].maps, closed[0].maps)
    assert not np.allclose(found[2].maps, closed[2].maps, rtol=1e-3)


def test_an_image_s_map_does_not_depend_on_its_neighbours():
    model, _ = curved.network("gelu")
    x = curved.images(5)
    explain = exact(model, nsamples=3, std_dev=0.3, batch_size=8)
    layout = explain.ensemble(1, (4, 4, 3)).lay_out(8, 100)
    assert layout.images == 2
    run = explain.ensemble(1, (4, 4, 3)).run
    codes = explain.codes(None, 5)
    look = explain.looks[0]
    pair = run(x[:2], codes[:2], layout).maps[look].whole
    np.testing.assert_array_equal(run(x[[1, 4]], codes[:2], layout).maps[look].whole[0], pair[1])
    np.testing.assert_array_equal(run(x[:1], codes[:1], layout).maps[look].whole[0], pair[0])


def test_a_negative_second_derivative_is_guarded_by_its_size():
    """Where D2 < 0 Eq. 7's denominator may come near 0 from below as well."""
    import tensorflow as tf

    from sgcampp.explain.choices import Choices
    from sgcampp.explain.methods import METHODS, Evidence

    A, D1, D2 = (tf.constant([[[v]]], tf.float64) for v in (1.0, 1.0, -1.0))
    D3 = tf.constant([[[2.0 - 1e-6]]], tf.float64)  # the denominator is -1e-6
    of = Evidence(A, D1, D2, D3, tf.ones([1, 1, 1], tf.float64))
    weighted = METHODS["grad_cam_pp"].function(of, Choices())
    assert not weighted.maps.numpy().any() and weighted.guarded.numpy() == 1


def test_too_many_neurons_are_refused_with_their_cost(monkeypatch):
    monkeypatch.setattr("sgcampp.engine.curvature.MOST_NEURONS", 47)
    model, _ = curved.network("tanh")
    with pytest.raises(UserError, match="48 neurons × 2 backward passes at layer 'features'") as e:
        exact(model, nsamples=9)(curved.images(1))
    assert "10 samples, accepted: 47" in str(e.value) and "\n" not in str(e.value)
    assert exact(model, filters=[1])(curved.images(1)).maps.shape == (1, 4, 4)
    assert exact(model, method="grad_cam")(curved.images(1)).maps.any()
