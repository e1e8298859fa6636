"""What is registered, and that odd inputs give each metric a finite value or a reason."""

import inspect
import pickle
from pathlib import Path

import numpy as np
import pytest

from sgcampp.errors import UserError
from sgcampp.metrics import metric as metrics
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.catalogue import DEFINE_METRICS, METRICS
from sgcampp.metrics.metric import ARGUMENTS, REASONS, Undefined, metric
from sgcampp.registry import Registry


def given(saliency, mask, score=0.6, steps=5):
    """Everything a metric may ask for, of one map, mask and score."""
    saliency = np.asarray(saliency, np.float64)
    try:
        normalised = normalise(saliency)
    except Undefined:
        normalised = saliency
    curve = score * np.linspace(1, 0.2, steps)
    maps = {name: saliency for name in ARGUMENTS if name.endswith(("map", "saliency"))}
    return maps | {
        "normalised": normalised,
        "perturbed_maps": np.array([saliency, saliency[::-1]]),
        "p0": score,
        "p1": 0.5,
        "other_p1": 0.3,
        "shares": np.linspace(0, 1, steps),
        "insertion_curve": curve[::-1],
        "deletion_curve": curve,
        "lerf_curve": curve**2,
        "road_morf_curve": curve,
        "road_lerf_curve": curve[::-1],
        "subsets": np.eye(4, dtype=bool).reshape(4, 2, 2),
        "subset_scores": np.array([0.1, 0.2, 0.4, 0.3]),
        "mask": mask,
        "instances": np.array([mask, mask[::-1]]),
    }


EYE = np.arange(64.0).reshape(8, 8)
SOME = EYE > 40
MAPS = {
    "rising": EYE,
    "zero": np.zeros((8, 8)),
    "ones": np.ones((8, 8)),
    "negative": -EYE - 1,
    "tied": np.round(EYE / 20),
    "one neuron of many": np.eye(8) * (EYE == 0),
    "tiny": EYE * 1e-300,
    "large": EYE * 1e38,
    "nan": EYE * np.where(EYE == 3, np.nan, 1),
    "inf": np.where(EYE == 3, np.inf, EYE),
    "one pixel": np.array([[2.0]]),
    "one pixel of zero": np.array([[0.0]]),
    "one row": EYE[:1],
}


@pytest.mark.parametrize("score", [0.6, 0.0, 1.0, float("nan"), float("inf")])
@pytest.mark.parametrize("mask", ["some", "none", "all"])
@pytest.mark.parametrize("saliency", MAPS)
@pytest.mark.filterwarnings("error")
def test_a_value_or_a_reason(saliency, mask, score):
    M = MAPS[saliency]
    masks = {
        "some": SOME[: M.shape[0], : M.shape[1]],
        "none": np.zeros(M.shape, bool),
        "all": np.ones(M.shape, bool),
    }
    for steps in (0, 1, 5):
        everything = given(M, masks[mask], score, steps)
        for one in METRICS.values():
            try:
                value = one.measure(everything)
            except Undefined as undefined:
                assert undefined.reason in REASONS
                continue
            value = value if one.pool is None else float(one.pool(value))
            assert type(value) is float, one.name
            assert np.isfinite(value), one.name
            assert not one.yes_no or value in {0.0, 100.0}
            assert one.unit == "%" or abs(value) <= 1 or not one.better or "sens" in one.name


def test_everything_has_a_value_for_an_ordinary_map():
    for one in METRICS.values():
        assert np.isfinite(one.measure(given(EYE, SOME))).all(), one.name


def test_every_metric_says_what_it_is():
    assert len(METRICS) == 30
    for one in METRICS.values():
        assert one.name == one.compute.__name__
        assert one.summary.endswith(".")
        assert one.better in {"more", "less", ""}
        assert set(one.needs) <= set(ARGUMENTS)
        assert all(type(value) in {int, float} for value in one.parameters.values())
    assert {one.compute.__module__ for one in METRICS.values()} == {
        module.__name__ for module in DEFINE_METRICS
    }
    assert {name for one in METRICS.values() for name in one.needs} == set(ARGUMENTS)


def test_every_reason_is_given_somewhere():
    room = Path(metrics.__file__).parent
    code = "".join(path.read_text("utf-8") for path in room.glob("*.py"))
    for word in REASONS:
        assert f'Undefined("{word}")' in code


def test_registering(monkeypatch):
    mine = Registry("metric")
    monkeypatch.setattr(metrics, "METRICS", mine)

    def peak(saliency, *, times=2.0):
        """The highest value. And more.

        Text.
        """
        return float(np.max(saliency)) * times

    assert metric(better="more", unit="%")(peak) is peak
    one = mine.find("peak")
    assert (one.needs, one.parameters) == (("saliency",), {"times": 2.0})
    assert (one.summary, one.better, one.unit) == ("The highest value. And more.", "more", "%")
    assert one.measure({"saliency": [[1.0, 3.0]], "unused": 0}) == 6
    assert one.measure({"saliency": [[1.0, 3.0]]}, times=5.0) == 15
    with pytest.raises(Undefined) as caught:
        one.measure({"saliency": [[np.inf]]})
    assert caught.value.reason == "overflow"
    with pytest.raises(ValueError, match="already"):
        metric(better="more")(peak)

    def odd(heat):
        """Odd."""

    with pytest.raises(ValueError, match="needs 'heat'"):
        metric(better="")(odd)


def test_an_unknown_metric():
    with pytest.raises(UserError, match="did you mean 'average_drop'"):
        METRICS.find("averagedrop")


def test_undefined_says_why():
    error = Undefined("tie")
    assert (error.reason, str(error)) == ("tie", REASONS["tie"])
    copy = pickle.loads(pickle.dumps(error))
    assert (copy.reason, str(copy)) == ("tie", REASONS["tie"])
    with pytest.raises(KeyError):
        Undefined("because")


def test_metrics_stay_plain_functions():
    for one in METRICS.values():
        assert inspect.isfunction(one.compute)
