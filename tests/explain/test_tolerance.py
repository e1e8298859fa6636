"""Tolerances that can't be met are refused in one sentence, before anything runs."""

import pytest
import tiny

from sgcampp import Explainer, UserError
from sgcampp.config.run_config import RunConfig


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"tolerance": 0}, "tolerance is 0, accepted: a number above 0"),
        ({"tolerance": -0.01}, "above 0"),
        ({"tolerance": True}, "tolerance is True"),
        ({"nsamples": 3}, "nsamples of at least 4.*nsamples is 3"),
        ({"nsamples": 0}, "no map averages over noised samples"),
        ({"method": ["grad_cam", "gradient"]}, "no map averages over noised samples"),
        ({"method": "integrated_gradients"}, "no map averages over noised samples"),
        ({"across": {"nsamples": [2, 50]}}, "nsamples is 2"),
    ],
    ids=str,
)
def test_what_cannot_work_is_refused(settings, message):
    with pytest.raises(UserError, match=message) as refused:
        RunConfig(**{"tolerance": 0.01, "nsamples": 50, **settings})
    assert "\n" not in str(refused.value)


def test_python_refuses_the_same():
    model = tiny.relu_cnn().model
    with pytest.raises(UserError, match="at least 4"):
        Explainer(model, "features", nsamples=2, tolerance=0.1)
    with pytest.raises(UserError, match="above 0"):
        Explainer(model, "features", nsamples=9, tolerance=float("nan"))


def test_a_clean_image_beside_noised_ones_is_no_obstacle():
    RunConfig(tolerance=0.01, across={"nsamples": [0, 50]})
    RunConfig(tolerance=0.01, nsamples=50, method=["grad_cam", "smooth_grad", "smooth_grad_cam"])
