import numpy as np
import pytest
import tensorflow as tf
import tiny

from sgcampp import Explainer, UserError
from sgcampp.engine.precision import running_in

OPTION = "auto_mixed_precision_onednn_bfloat16"


def explain(twin, **settings):
    return Explainer(twin.model, "features", nsamples=5, std_dev=0.3, **settings)


def test_bfloat16_changes_maps_a_little_and_other_runs_not_at_all(twin):
    images = tiny.images(3)
    full = explain(twin)
    before = full(images).maps
    low = explain(twin, precision="bfloat16")(images)
    assert low.maps.dtype == np.float32
    assert np.isfinite(low.maps).all()
    peak = before.max((1, 2), keepdims=True)
    assert np.abs(low.maps / low.maps.max((1, 2), keepdims=True) - before / peak).max() < 0.1
    np.testing.assert_array_equal(full(images).maps, before)


def test_the_option_is_given_back_even_after_an_error():
    with pytest.raises(ZeroDivisionError), running_in("bfloat16"):
        assert tf.config.optimizer.get_experimental_options()[OPTION]
        raise ZeroDivisionError
    assert not tf.config.optimizer.get_experimental_options().get(OPTION, False)


@pytest.mark.parametrize(
    ("precision", "message"), [("float16", "needs a GPU"), ("bf16", "bfloat16, float16")]
)
def test_what_the_device_lacks_is_refused(twin, precision, message):
    with pytest.raises(UserError, match=message):
        explain(twin, precision=precision)(tiny.images(1))


def test_xla_gives_the_same_maps(twin):
    """Its own random numbers would be others, so the noise is drawn outside of it."""
    images = tiny.images(2)
    plain, compiled = (explain(twin, jit=jit, batch_size=4)(images) for jit in (False, True))
    np.testing.assert_allclose(compiled.maps, plain.maps, atol=1e-4 * plain.maps.max())
    np.testing.assert_array_equal(compiled.class_idx, plain.class_idx)
