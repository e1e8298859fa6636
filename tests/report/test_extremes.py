"""The images where a series is most better and most worse, against sorting all of them."""

import random

from evaluation_example import AGAINST, LAYERS, rows_of, summary_of

from sgcampp.evaluation.rows import FAILED, LEFT_OUT, EvaluationRow
from sgcampp.report.extremes import MOST, Extreme, Extremes, Leading

KEYS = [f"{n:03d}" for n in range(40)]


PAIR = [("grad_cam", 0.75), (AGAINST, 0.5)]


def extremes_of(rows):
    extremes = Extremes(summary_of())
    for row in rows:
        extremes.add(row)
    return extremes


def noisy(seed=0, targets=2):
    """Rows of two classes an image, with random values."""
    draw = random.Random(seed)
    names = ("average_drop", "insertion", "deletion")
    for key in KEYS:
        for target in range(targets):
            for method in ("grad_cam", AGAINST):
                metrics = {name: round(draw.random(), 2) for name in names}
                yield EvaluationRow(key, method, LAYERS[0], target=target, metrics=metrics)


def by_hand(rows, metric, sign):
    """Ten (key, distance): each image's largest, the largest first."""
    values = {(r.key, r.target, r.method): r.metrics.get(metric) for r in rows if r.status == "ok"}
    found = {}
    for (key, target, method), value in values.items():
        other = values.get((key, target, AGAINST))
        if method != AGAINST and value is not None and other is not None:
            gain = sign * (value - other)
            if gain > max(0, found.get(key, 0)):
                found[key] = gain
    return sorted(found.items(), key=lambda item: (-item[1], item[0]))[:MOST]


def test_they_are_those_of_sorting_all():
    rows = list(noisy())
    extremes = extremes_of(rows)
    pair = [(a.method, b.method) for a, b in extremes.pairs].index(("grad_cam", AGAINST))
    assert [one.name for one in extremes.metrics] == ["average_drop", "insertion", "deletion"]
    for metric, sign, (better, worse) in zip(
        ("average_drop", "insertion", "deletion"), (-1, 1, -1), extremes.lists()[pair], strict=True
    ):
        assert [(one.key, -one.less) for one in better] == by_hand(rows, metric, sign)
        assert [(one.key, -one.less) for one in worse] == by_hand(rows, metric, -sign)
        assert all(sign * (one.first - one.other) > 0 for one in better)


def test_their_order_does_not_matter():
    rows = list(noisy(targets=3))
    lists = extremes_of(rows).lists()
    random.Random(1).shuffle(rows)
    assert extremes_of(rows).lists() == lists


def test_failed_left_out_and_undefined_maps_are_in_no_list():
    rows = [EvaluationRow("a", "grad_cam", LAYERS[0], metrics={"insertion": 1.0})]
    rows += [EvaluationRow("a", AGAINST, LAYERS[0], status=FAILED, reason="out_of_memory")]
    rows += [EvaluationRow("b", "grad_cam", LAYERS[0], status=LEFT_OUT, reason="x")]
    rows += [EvaluationRow("b", AGAINST, LAYERS[0], metrics={"insertion": 1.0})]
    rows += [EvaluationRow("c", "grad_cam", LAYERS[0], undefined={"insertion": "tie"})]
    rows += [EvaluationRow("c", AGAINST, LAYERS[0], metrics={"insertion": 1.0})]
    lists = extremes_of(rows).lists()
    assert all(both == ([], []) for metrics in lists for both in metrics)


def test_a_map_that_failed_first_counts_once_it_is_measured():
    measured = [EvaluationRow("a", m, LAYERS[0], metrics={"insertion": v}) for m, v in PAIR]
    failed = EvaluationRow("a", AGAINST, LAYERS[0], status=FAILED, reason="out_of_memory")
    extremes = extremes_of([measured[0], failed, measured[1]])
    better, worse = extremes.lists()[0][1]
    assert ([one.key for one in better], worse) == (["a"], [])


def test_rows_of_an_image_do_not_wait_longer_than_for_each_other():
    extremes = Extremes(summary_of())
    for row in rows_of(KEYS):
        extremes.add(row)
        assert len(extremes._waiting) <= 1
    assert not extremes._waiting


def test_references_are_not_compared():
    assert {first.method for first, _ in extremes_of([]).pairs} == {
        "grad_cam",
        "smooth_grad_cam_pp",
    }


def test_an_image_stands_once_with_its_most_extreme_map():
    leading = Leading()
    for less, key, target in [(-1, "a", 0), (-3, "a", 1), (-2, "a", 2), (-2, "b", 0)]:
        leading.offer(Extreme(less, key, target, None, 0.0, 0.0))
    assert [(one.key, one.target, one.less) for one in leading] == [("a", 1, -3), ("b", 0, -2)]
