"""Evaluation from Python: against the network worked by hand, and what it refuses."""

import json
from dataclasses import replace

import numpy as np
import pytest

import sgcampp
from sgcampp.evaluation.drawn_inputs import slight_noise
from sgcampp.evaluation.exports import to_json
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.resizing import resize
from sgcampp.metrics.robustness import avg_sensitivity

METHODS = ["grad_cam", "grad_cam_pp", "smooth_grad_cam_pp"]


@pytest.fixture(scope="module")
def classifier(twin):
    return sgcampp.load_model(twin.model, scale=0.01)


@pytest.fixture(scope="module")
def images():
    rng = np.random.default_rng(0)
    return [rng.integers(0, 256, (10, 14, 3), np.uint8) for _ in range(5)]


@pytest.fixture(scope="module")
def explainer(classifier):
    return sgcampp.Explainer(classifier, "features", METHODS, nsamples=3)


@pytest.fixture(scope="module")
def explanations(explainer, classifier, images):
    return explainer.each(classifier.preprocess(images), "top2")


def cells(summary):
    return {one.series.method: one.cells for one in summary.series}


def test_means_are_those_of_the_network_worked_by_hand(twin, classifier, images, explanations):
    found = cells(sgcampp.evaluate(classifier, images, explanations, ["average_drop", "gini"]))

    def p(x, c):
        scores = np.exp(twin.logits(x))
        return scores[c] / scores.sum()

    for explanation in explanations:
        drops = []
        for image, maps, classes in zip(
            images, explanation.maps, explanation.class_idx, strict=True
        ):
            (x,) = classifier.preprocess(image)
            for saliency, c in zip(maps, classes, strict=True):
                masked = x * normalise(resize(saliency, (8, 8)))[..., None]
                drops.append(100 * max(0, p(x, c) - p(masked, c)) / p(x, c))
        mean = found[explanation.method]["average_drop"].mean.estimate
        assert mean == pytest.approx(np.mean(drops), abs=1e-2)
    assert found["ref_ones"]["average_drop"].mean.estimate == 0


def test_boxes_are_of_the_class_explained(classifier, images, explanations):
    boxes = [[(0, 0, 14, 10)]] * 4 + [[]]
    (one,) = explanations[:1]
    summary = sgcampp.evaluate(classifier, images, one, ["energy"], boxes)
    cell = cells(summary)["ref_ones"]["energy"]
    assert cell.mean.estimate == 1
    assert cell.undefined == {"not_annotated": 2}


def test_it_says_the_same_again_and_as_json(classifier, images, explanations):
    first, second = (
        sgcampp.evaluate(classifier, images, explanations, ["deletion"], steps=3, seed=5)
        for _ in range(2)
    )
    assert json.dumps(to_json(first)) == json.dumps(to_json(second))
    assert first.against == "grad_cam_pp"


def test_one_method_with_several_samplings_is_several_series(classifier, images, explanations):
    more = replace(explanations[2], nsamples=9)
    summary = sgcampp.evaluate(classifier, images, [explanations[2], more], ["gini"])
    settings = {one.series.settings for one in summary.series if "smooth" in one.series.method}
    assert settings == {'{"nsamples": 3}', '{"nsamples": 9}'}


def test_an_explainer_explains_again(classifier, images, explainer, explanations):
    names = ["road", "adcc", "avg_sensitivity", "mprt_spearman"]
    found = cells(
        sgcampp.evaluate(classifier, images, explanations, names, explainer=explainer, seed=4)
    )
    noise = slight_noise(classifier, 4)
    for explanation, method in zip(explanations, METHODS, strict=True):
        changes = []
        for n, image in enumerate(images):
            for t, c in enumerate(explanation.class_idx[n]):
                of_noised = explainer.each(classifier.preprocess(image) + noise, int(c))
                maps = of_noised[METHODS.index(method)].maps
                if explanation.maps[n, t].any():
                    changes.append(avg_sensitivity(explanation.maps[n, t], maps))
        mean = found[method]["avg_sensitivity"].mean.estimate
        assert mean == pytest.approx(np.mean(changes), abs=1e-4)
        assert -0.5 <= found[method]["road"].mean.estimate <= 0.5
        assert 0 <= found[method]["adcc"].mean.estimate <= 1
        assert -1 <= found[method]["mprt_spearman"].mean.estimate < 1


def test_metrics_that_explain_again_need_the_explainer(classifier, images, explainer, explanations):
    with pytest.raises(sgcampp.UserError, match="adcc must explain images again: give the Explain"):
        sgcampp.evaluate(classifier, images, explanations, ["gini", "adcc"])
    with pytest.raises(sgcampp.UserError, match="did not make these explanations"):
        sgcampp.evaluate(classifier, images, explanations[:1], ["adcc"], explainer=explainer)


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"metrics": ["drop"]}, "unknown metric 'drop'"),
        ({"boxes": [[]]}, "boxes are of 1 images, accepted: 5"),
        ({"explanations": []}, "no explanation"),
        ({"steps": 1}, "steps is 1"),
    ],
)
def test_what_does_not_fit_is_refused(classifier, images, explanations, given, words):
    settings = {"explanations": explanations, **given}
    with pytest.raises(sgcampp.UserError, match=words):
        sgcampp.evaluate(classifier, images, **settings)
    with pytest.raises(sgcampp.UserError, match="one picture for each map"):
        sgcampp.evaluate(classifier, images[:2], explanations)
