"""Means, comparisons and verdicts of small evaluations whose numbers can be written out."""

import random

import numpy as np
import pytest
from evaluation_rows import cell, row, rows_of

from sgcampp.evaluation.comparing import counterpart
from sgcampp.evaluation.evidence import Evidence, pooled_comparison, pooled_interval
from sgcampp.evaluation.rows import Series
from sgcampp.evaluation.summarise import summarise
from sgcampp.metrics.pooled import best_threshold_accuracy
from sgcampp.statistics.intervals import mean_intervals
from sgcampp.statistics.paired import compare_means
from sgcampp.statistics.verdicts import holm

SMOOTH, PLAIN, RANDOM = "smooth_grad_cam_pp", "grad_cam_pp", "ref_random"


def noise(seed, images=40):
    return np.random.default_rng(seed).normal(size=images)


def test_by_hand():
    """Drops 9 8 6 7 2 less 10 10 10 7 5: −1 −2 −4 0 −3, mean −2; 4 of 5 differ, p = 2/16."""
    found = summarise(
        rows_of("average_drop", grad_cam=[9, 8, 6, 7, 2], grad_cam_pp=[10, 10, 10, 7, 5])
    )
    assert found.against == PLAIN
    assert [one.series.method for one in found.series] == [PLAIN, "grad_cam"]
    one, other = (cell(found, method, "average_drop") for method in ("grad_cam", PLAIN))
    assert (one.mean.estimate, other.mean.estimate) == (pytest.approx(6.4), pytest.approx(8.4))
    assert other.against is None and one.above_random is None
    of = one.against.comparison
    assert one.against.other == found.series[0].series
    assert (of.difference.estimate, of.difference.images) == (-2, 5)
    # s² = (1 + 0 + 4 + 4 + 1)/4 = 2.5, s/√5 = .7071, t(.975, 4) = 2.7764
    assert of.difference.high == pytest.approx(-2 + 2.7764451 * 0.5**0.5)
    assert (of.p, one.against.p_holm, of.test) == (0.125, 0.125, "exact sign-flip")
    assert (of.wins, of.ties, of.losses) == (4, 1, 0)
    assert one.against.verdict == "no difference shown"


def test_means_have_bca_intervals():
    values = np.exp(noise(1))
    found = cell(summarise(rows_of("srg", grad_cam=values), seed=3), "grad_cam", "srg")
    assert found.mean == mean_intervals(values[:, None], seed=3)[0]


def test_only_rows_that_both_have_are_compared():
    """Image 1 is missing from one, and image 2 has another class: 3 − 1 and 4 − 0 remain."""
    rows = [
        *(
            row(i, "grad_cam", metrics={"gini": v}, class_idx=7)
            for i, v in enumerate([3, 50, 90, 4])
        ),
        *(row(i, PLAIN, metrics={"gini": v}, class_idx=7) for i, v in [(0, 1), (3, 0)]),
        row(2, PLAIN, metrics={"gini": 0}, class_idx=8),
    ]
    found = cell(summarise(rows), "grad_cam", "gini")
    assert found.mean.images == 4
    difference = found.against.comparison.difference
    assert (difference.estimate, difference.images) == (3, 2)


def test_the_order_of_rows_changes_nothing():
    rows = [
        *rows_of("average_drop", grad_cam=noise(0), grad_cam_pp=noise(1), ref_random=noise(2)),
        *rows_of("average_drop", "block2", grad_cam=noise(3), grad_cam_pp=noise(4)),
        *(row(i, "grad_cam", "input", status="failed", reason="odd") for i in range(3)),
        *rows_of("gini", "block10", grad_cam=noise(0, 9), layer_cam=noise(1, 9)),
    ]
    rows += [
        row("000.jpg", "grad_cam", "block2", metrics={"average_drop": 3.0})
    ]  # of no later time
    first = summarise(rows)
    for seed in range(3):
        random.Random(seed).shuffle(rows)
        assert summarise(rows) == first
    layers = [one.series.layer for one in first.series if one.series.method == "grad_cam"]
    assert layers == ["block", "block2", "block10"]


def test_of_two_rows_for_a_map_the_later_holds():
    rows = [
        row("a", "grad_cam", metrics={"gini": 0.25}, finished=20.0),
        row("a", "grad_cam", metrics={"gini": 0.75}, finished=10.0),
        row("b", "grad_cam", status="failed", reason="odd", finished=1.0),
        row("b", "grad_cam", metrics={"gini": 0.75}, finished=2.0),
        row("c", "grad_cam", metrics={"gini": 0.75}, finished=1.0),
        row("c", "grad_cam", status="left_out", reason="no_object", finished=2.0),
        row("d", "grad_cam", status="failed", finished=2.0),
    ]
    found = summarise(rows)
    assert cell(found, "grad_cam", "gini").mean.estimate == 0.5
    assert (found.left_out, found.failed) == ({"no_object": 1}, {"no reason given": 1})
    assert found.images == 4
    assert (found.series[0].images, found.series[0].maps) == (2, 2)
    assert found.sentences[-1] == (
        "Of the maps: 1 map left out (no_object: 1); 1 map failed (no reason given: 1)."
    )


def test_no_rows_and_one_image():
    assert summarise([]).sentences == ["No map was measured."]
    assert summarise([row("a", "grad_cam")]).series[0].cells == {}
    assert summarise(rows_of("gini", ref_ones=[0.5, 0.5])).spearman == [[None]]
    rows = rows_of("gini", grad_cam=[0.5], grad_cam_pp=[0.25], ref_random=[0.75])
    found = summarise(rows)
    one = cell(found, "grad_cam", "gini")
    assert (one.mean.estimate, one.mean.low) == (0.5, None)
    assert (one.against.comparison.p, one.above_random) == (1, False)
    assert one.against.verdict == "not above ref_random"
    assert found.sentences[0].startswith("There is one image")


def test_flat_maps_are_counted_and_told():
    """A flat map has a drop, but no entropy."""
    rows = [
        row(
            i,
            method,
            flat=True,
            metrics={"average_drop": 100.0},
            undefined={"entropy": "zero_map"},
            curves={"shares": [0.0, 1.0], "deletion": [0.5, 0.5]},
        )
        for i in range(3)
        for method in ("grad_cam", PLAIN)
    ]
    found = summarise(rows)
    entropy, drop = (cell(found, "grad_cam", name) for name in ("entropy", "average_drop"))
    assert (entropy.mean.estimate, entropy.undefined) == (None, {"zero_map": 3})
    assert entropy.against is None
    assert (drop.mean.estimate, drop.mean.reason) == (100, "constant")
    assert (drop.against.comparison.p, drop.against.verdict) == (1, "no difference shown")
    assert found.series[0].flat == 3
    assert "6 maps of 6 flat" in found.sentences[-1]


def test_a_method_that_is_not_there():
    rows = rows_of("gini", grad_cam=[1, 2, 3], layer_cam=[1, 2, 4])
    assert summarise(rows).against is None
    assert summarise(rows).sentences == []
    found = summarise(rows, against="hires_cam")
    assert found.against is None and cell(found, "grad_cam", "gini").against is None
    assert found.sentences[0] == "There is no map of hires_cam, so nothing is compared with it."
    assert cell(summarise(rows, "layer_cam"), "grad_cam", "gini").against.comparison.losses == 1


def test_classes_of_one_image_are_drawn_and_flipped_together():
    """12 images, each with the same value for 3 classes, know no more than 12 images."""
    one, other = noise(0, 12), noise(1, 12)
    thrice = [
        row(f"{i:03}.jpg", method, target=t, class_idx=t, metrics={"srg": values[i]})
        for method, values in (("grad_cam", one), (PLAIN, other))
        for i in range(12)
        for t in range(3)
    ]
    many, few = summarise(thrice), summarise(rows_of("srg", grad_cam=one, grad_cam_pp=other))
    assert (many.series[0].images, many.series[0].maps) == (12, 36)
    found, alone = (cell(summary, "grad_cam", "srg") for summary in (many, few))
    assert found.mean.images == 12
    for end in ("estimate", "low", "high"):
        assert getattr(found.mean, end) == pytest.approx(getattr(alone.mean, end))
        pair = (getattr(each.against.comparison.difference, end) for each in (found, alone))
        assert next(pair) == pytest.approx(next(pair))
    assert found.against.comparison.p == alone.against.comparison.p


def test_yes_no_metrics_have_mcnemars_p():
    """6 wins, no loss: p = 2/64."""
    rows = rows_of("pointing_game", grad_cam=[100] * 6 + [0, 100], grad_cam_pp=[0] * 7 + [100])
    of = cell(summarise(rows), "grad_cam", "pointing_game").against.comparison
    assert (of.test, of.p, of.wins, of.ties, of.losses) == ("McNemar", 2 / 64, 6, 2, 0)


def identical_rows(same):
    values = noise(0)
    rows = rows_of("gini", smooth_grad_cam_pp=values, grad_cam_pp=values, grad_cam=noise(1) - 2)
    return [
        row(one.key, one.method, metrics=one.metrics, identical=one.method == SMOOTH and same(i))
        for i, one in enumerate(rows)
    ]


def test_maps_that_noise_cannot_change_have_no_p():
    found = summarise(identical_rows(lambda i: True))
    smooth = cell(found, SMOOTH, "gini").against
    assert (smooth.verdict, smooth.p_holm, smooth.comparison.p) == ("identical", None, None)
    plain = cell(found, "grad_cam", "gini").against
    assert plain.p_holm == plain.comparison.p  # a family of one
    assert plain.verdict == "worse"
    assert found.sentences[1].startswith("identical: noise cannot change the maps at block ")
    turned = cell(summarise(identical_rows(lambda i: True), SMOOTH), PLAIN, "gini").against
    assert turned.verdict == "identical"


def test_one_map_that_noise_changed_is_enough_for_a_test():
    found = summarise(identical_rows(lambda i: i != 3))
    smooth = cell(found, SMOOTH, "gini").against
    assert (smooth.verdict, smooth.comparison.p) == ("no difference shown", 1)


def test_holm_over_all_metrics_and_layers():
    values = {name: noise(i, 10) for i, name in enumerate(("gini", "srg", "entropy"))}
    rows = [
        row(
            f"{i:03}",
            method,
            layer,
            metrics={n: v[i] * (1 + (method == PLAIN)) for n, v in values.items()},
        )
        for layer in ("block1", "block2")
        for method in ("grad_cam", PLAIN)
        for i in range(10)
    ]
    found = summarise(rows)
    compared = [one.cells[n].against for one in found.series for n in values]
    compared = [one for one in compared if one]
    assert len(compared) == 6
    assert [one.p_holm for one in compared] == holm([one.comparison.p for one in compared])
    assert [one.p_holm for one in compared] != [one.comparison.p for one in compared]


def test_a_better_method_and_one_that_is_random():
    base = noise(0)
    rows = rows_of(
        "average_drop",
        grad_cam=base - 2 + 0.1 * noise(1),
        grad_cam_pp=base + 0.1 * noise(2),
        layer_cam=base + 3 + 0.1 * noise(3),
        ref_random=base + 3 + 0.1 * noise(4),
    )
    found = summarise(rows)
    better, random_like = (cell(found, m, "average_drop") for m in ("grad_cam", "layer_cam"))
    assert (better.above_random, better.against.verdict) == (True, "better")
    assert (random_like.above_random, random_like.against.verdict) == (
        *(False, "not above ref_random"),
    )
    assert cell(found, PLAIN, "average_drop").above_random is True
    reference = cell(found, RANDOM, "average_drop")
    assert reference.above_random is None and reference.against is None
    assert found.series[-1].series.method == RANDOM
    assert found.sentences[0].startswith(
        "At block grad_cam is better than grad_cam_pp in average_drop (−2.0"
    )
    assert found.sentences[0].endswith(" points, 40 images).")
    assert found.sentences[1] == (
        "At block layer_cam is not shown to be above random maps in average_drop."
    )
    assert "ref_ones" in found.sentences[2]


def test_against_random_maps():
    found = summarise(rows_of("gini", grad_cam=noise(0) + 5, ref_random=noise(1)), RANDOM)
    one = cell(found, "grad_cam", "gini")
    assert (one.against.verdict, one.above_random) == ("better", True)


def test_what_only_describes_has_means_alone():
    rows = rows_of("sharpness", grad_cam=[1, 2, 3], grad_cam_pp=[7, 8, 9], ref_random=[1, 1, 1])
    rows += rows_of("of_another_version", layer_cam=[1, 2, 3])
    found = summarise(rows)
    one = cell(found, "grad_cam", "sharpness")
    assert (one.mean.estimate, one.against, one.above_random) == (2, None, None)
    assert [(facts.name, facts.better) for facts in found.metrics] == [
        *(("sharpness", ""), ("of_another_version", "")),
    ]
    assert found.sentences == []


def test_curves_are_averaged_step_by_step():
    rows = [
        row(
            i, "grad_cam", curves={"shares": [0.0, 1.0], "insertion": [0.0, p]}, metrics={"gini": p}
        )
        for i, p in enumerate([0.2, 0.4, 0.6])
    ]
    (one,) = summarise(rows).series
    assert [step.estimate for step in one.curves["shares"]] == [0, 1]
    assert [step.estimate for step in one.curves["insertion"]] == [0, pytest.approx(0.4)]
    # s = .2, t(.975, 2) = 4.3027
    assert one.curves["insertion"][1].high == pytest.approx(0.4 + 4.3026527 * 0.2 / 3**0.5)


def test_agreement_of_metrics_over_maps_of_methods():
    """Both drops and gains rise, so they contradict each other; references do not count."""
    rows = [
        row(i, method, metrics={"average_drop": float(i), "gini": float(2**i)})
        for i in range(5)
        for method in ("grad_cam", "layer_cam")
    ]
    rows += [
        row(i, RANDOM, metrics={"average_drop": -float(i), "gini": float(i)}) for i in range(5)
    ]
    found = summarise(rows)
    assert [facts.name for facts in found.metrics] == ["average_drop", "gini"]
    np.testing.assert_allclose(np.array(found.spearman, float), np.ones((2, 2)))
    assert any("is −1.00)" in sentence for sentence in found.sentences)


def test_what_a_series_is_held_against():
    def at(method, settings="{}", filters=(), layer="a"):
        return Series(method, layer, settings, filters)

    five, ten = '{"n": 5}', '{"n": 10}'
    plain, bound, alike = at(PLAIN), at(PLAIN, filters=(3,)), at(PLAIN, five)
    among = [plain, bound, alike, at(PLAIN, layer="b"), at("grad_cam")]
    assert counterpart(at(SMOOTH, five), PLAIN, among) == alike
    assert counterpart(at(SMOOTH, ten), PLAIN, among) == plain
    assert counterpart(at(SMOOTH, ten, (3,)), PLAIN, among) == bound
    assert counterpart(at(SMOOTH, filters=(4,)), PLAIN, among) is None  # two without settings
    assert counterpart(at(SMOOTH, filters=(4,)), PLAIN, [plain, alike]) == plain
    assert counterpart(at(SMOOTH, ten), PLAIN, [alike]) is None
    assert counterpart(at(SMOOTH, layer="c"), PLAIN, among) is None


def boxes(hits, method, name="max_box_acc"):
    return [
        row(f"{i:03}.jpg", method, evidence={name: [hit, hit, hit]}) for i, hit in enumerate(hits)
    ]


def test_pooled_metrics_choose_their_threshold_over_all_maps():
    """Right at threshold 0 in 2 of 4 images, at threshold 1 in 3: 75 %; the other: 25 %."""
    hits = [[1, 0], [1, 1], [0, 1], [0, 1]]
    rows = boxes(hits, "grad_cam") + boxes([[0, 0], [0, 1], [0, 0], [0, 0]], PLAIN)
    found = summarise(rows)
    one = cell(found, "grad_cam", "max_box_acc")
    assert (one.mean.estimate, one.mean.images) == (75, 4)
    of = one.against.comparison
    assert (of.difference.estimate, of.test, of.smallest) == (50, "swap", None)
    assert one.against.verdict == "no difference shown"


def test_pooled_metrics_of_many_images_are_drawn_in_groups():
    """1,200 images in 500 groups: the interval is that of the images, to a tenth of its width."""
    rng = np.random.default_rng(0)
    first, second = (rng.random(1_200) < share for share in (0.6, 0.5))
    every = np.arange(1_200)
    one, other = (
        Evidence(every, every, np.repeat(hits[:, None, None].astype(float), 3, 1))
        for hits in (first, second)
    )
    interval = pooled_interval(best_threshold_accuracy, one, 0)
    truth = mean_intervals(100.0 * first[:, None])[0]
    width = truth.high - truth.low
    assert (interval.images, interval.estimate) == (1_200, pytest.approx(truth.estimate))
    assert interval.low == pytest.approx(truth.low, abs=0.1 * width)
    assert interval.high == pytest.approx(truth.high, abs=0.1 * width)
    pooled = pooled_comparison(best_threshold_accuracy, one, other, False, 0, 1_999)
    means = compare_means(100.0 * first[:, None], 100.0 * second[:, None], ["more"])[0]
    assert pooled.difference.images == 1_200
    assert pooled.difference.estimate == pytest.approx(means.difference.estimate)
    assert pooled.p == pytest.approx(means.p, abs=0.01)
    assert pooled.difference.low == pytest.approx(means.difference.low, abs=0.1 * width)


def test_evidence_of_several_classes_is_an_images():
    rows = [
        row(i, "grad_cam", target=t, class_idx=t, evidence={"max_box_acc": [[h], [h], [h]]})
        for i, hits in enumerate([[1, 1, 1], [0], [1, 0]])
        for t, h in enumerate(hits)
    ]
    one = cell(summarise(rows), "grad_cam", "max_box_acc")
    assert (one.mean.images, one.mean.estimate) == (3, pytest.approx(100 * 4 / 6))


def test_identical_maps_have_no_p_in_pooled_metrics_either():
    hits = [[1, 0], [1, 1], [0, 1]]
    rows = boxes(hits, PLAIN) + [
        row(one.key, SMOOTH, evidence=one.evidence, identical=True) for one in boxes(hits, SMOOTH)
    ]
    of = cell(summarise(rows), SMOOTH, "max_box_acc").against
    assert (of.verdict, of.comparison.p, of.comparison.difference.estimate) == (
        "identical",
        None,
        0,
    )
