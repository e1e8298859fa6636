"""What is said, and how much of it."""

import numpy as np
from evaluation_rows import row, rows_of

from sgcampp.evaluation.sentences import MOST
from sgcampp.evaluation.summarise import summarise


def noise(seed, images=40):
    return np.random.default_rng(seed).normal(size=images)


def test_metrics_with_one_verdict_share_a_sentence():
    rows = [
        row(i, method, metrics={"gini": g + shift, "srg": s + shift})
        for method, shift in (("grad_cam", -3), ("grad_cam_pp", 0))
        for i, (g, s) in enumerate(zip(noise(len(method)), noise(len(method) + 1), strict=True))
    ]
    first = summarise(rows).sentences[0]
    assert first.startswith("At block grad_cam is worse than grad_cam_pp in srg (−")
    assert first.count("40 images") == 1 and ") and gini (−" in first


def test_what_so_many_images_could_have_shown_is_told():
    rows = rows_of("average_drop", grad_cam=noise(0), grad_cam_pp=noise(1))
    found = summarise(rows)
    (one,) = [one.cells["average_drop"].against for one in found.series[1:]]
    assert found.sentences[0] == (
        "At block no difference of grad_cam from grad_cam_pp is shown in average_drop; 40 images "
        f"would have shown {one.comparison.smallest:.2f} points or more in average_drop."
    )


def test_the_worse_comes_before_what_is_not_shown():
    rows = [
        *rows_of("gini", grad_cam=noise(0), grad_cam_pp=noise(1)),
        *rows_of("gini", "later", grad_cam=noise(0) - 3, grad_cam_pp=noise(1)),
    ]
    found = summarise(rows).sentences
    assert found[0].startswith("At later grad_cam is worse")
    assert found[1].startswith("At block no difference")


def test_there_are_never_too_many():
    rows = []
    for i in range(9):
        layer = f"block{i}"
        rows += rows_of("average_drop", layer, grad_cam=noise(i) + 5, grad_cam_pp=noise(i + 1))
        rows += rows_of("average_drop", layer, layer_cam=noise(i + 2), ref_random=noise(i + 3) + 9)
        rows += rows_of("average_drop", layer, hires_cam=noise(i + 4) + 9)
    found = summarise(rows).sentences
    assert len(found) == MOST
    assert "ref_ones" in found[-1]
    assert found[-2].startswith("The table has more: ")
    for words in ("worse than", "not shown to be above", "no difference"):
        assert any(words in sentence for sentence in found), words


def test_metrics_that_agree_are_not_warned_of():
    rows = [row(i, "grad_cam", metrics={"gini": i * 1.0, "srg": i * 2.0}) for i in range(5)]
    assert not any("disagree" in sentence for sentence in summarise(rows).sentences)
