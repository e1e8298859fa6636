"""Maps made again and images imputed, against the Explainer and the functions on arrays."""

import json
import shutil
from dataclasses import asdict, replace
from pathlib import Path

import cv2
import keras
import numpy as np
import pytest
import tiny
from listener import Listener

import sgcampp
from sgcampp.config.run_config import RunConfig
from sgcampp.engine.device import DeviceMemoryError
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.fresh_weights import FreshWeights
from sgcampp.engine.scoring import Scorer
from sgcampp.evaluation import drawn_inputs, imputing
from sgcampp.evaluation.opening import Options
from sgcampp.evaluation.running import Evaluation
from sgcampp.metrics.arrays import normalise
from sgcampp.metrics.catalogue import METRICS
from sgcampp.metrics.imputation import impute
from sgcampp.metrics.ordering import pixel_order
from sgcampp.metrics.resizing import resize
from sgcampp.pipeline import run
from sgcampp.run.stop import Stop
from sgcampp.tree.open_tree import open_tree

METHODS = ["grad_cam", "smooth_grad_cam_pp", "gradient"]
NAMES = [
    *("road", "adcc", "max_sensitivity", "avg_sensitivity", "seed_sensitivity"),
    *("mprt_spearman", "mprt_ssim", "emprt"),
]
SEED = 5


class Quiet:
    def __init__(self):
        self.notes = []

    def note(self, sentence):
        self.notes.append(sentence)

    def start(self, images): ...

    def finish(self, images): ...


def explained(home, names, **settings):
    """An output tree of random pictures, explained by the tiny network."""
    (home / "pictures").mkdir()
    rng = np.random.default_rng(0)
    for name in names:
        picture = rng.integers(0, 256, (12, 16, 3), np.uint8)
        cv2.imwrite(str(home / f"pictures/{name}.png"), picture)
    tiny.relu_cnn().model.save(home / "tiny.keras")
    config = RunConfig(
        model=str(home / "tiny.keras"),
        scale=0.01,
        mean=[0.5],
        layer_name="features",
        nsamples=3,
        seed=7,
        score="logit",
        write=["arrays"],
        batch_size=8,
        sources=[str(home / "pictures")],
        out=str(home / "out"),
        **settings,
    )
    run(config, Listener())
    return config


@pytest.fixture(scope="module")
def config(tmp_path_factory):
    """Two classes and a contrast, two strengths of noise."""
    settings = {"method": METHODS, "target": ["top2", "1-vs-3"], "across": {"std_dev": [0.2, 0.5]}}
    return explained(tmp_path_factory.mktemp("several"), "ab", **settings)


@pytest.fixture(scope="module")
def evaluated(config):
    """Its evaluation, which has run."""
    return evaluate(Path(config.out))


@pytest.fixture(scope="module")
def small(tmp_path_factory):
    """One method alone; more images than are scored together. (An evaluated tree, its rows.)"""
    config = explained(tmp_path_factory.mktemp("small"), "abcde", method="smooth_grad_cam_pp")
    return Path(config.out), plain(evaluate(Path(config.out)).rows())


@pytest.fixture
def out(small, tmp_path):
    return Path(shutil.copytree(small[0], tmp_path / "out"))


def evaluate(out, listener=None):
    evaluation = Evaluation(out, Options(metrics=NAMES, seed=SEED, fill=["black"]))
    evaluation.run(listener or Quiet(), Stop())
    return evaluation


def plain(rows):
    return {(row.key, row.series, row.target): asdict(replace(row, finished=0.0)) for row in rows}


class Oracle:
    """What each metric of each map must be, one explanation at a time."""

    def __init__(self, config):
        self.tree = open_tree(Path(config.out))
        self.classifier = sgcampp.load_model(config.model, scale=0.01, mean=[0.5])
        self.twin, self.explainers = tiny.relu_cnn(), {}
        images = drawn_inputs.random_images(self.classifier, SEED)
        fresh = FreshWeights(self.classifier.model, images, SEED)
        self.random = keras.models.clone_model(self.classifier.model)
        with fresh.in_place():
            weights = [np.array(variable.value) for variable in self.classifier.model.weights]
        self.random.set_weights(weights)

    def map(self, map_row, x, is_random=False, seed=7):
        """Maps of inputs, by an Explainer of its own for each method and settings."""
        smooth = map_row.method == "smooth_grad_cam_pp"
        strength, seed = (map_row.across["std_dev"], seed) if smooth else (0.2, 7)
        key = map_row.method, strength, is_random, seed
        if key not in self.explainers:
            model = self.random if is_random else self.classifier
            settings = {"nsamples": 3, "std_dev": strength, "seed": seed, "score": "logit"}
            self.explainers[key] = sgcampp.Explainer(model, "features", map_row.method, **settings)
        return self.explainers[key](x, self.target(map_row)).maps

    def target(self, map_row):
        against = map_row.against_idx
        return map_row.class_idx if against is None else f"{map_row.class_idx}-vs-{against}"

    def p(self, x, c):
        scores = np.exp(self.twin.logits(x))
        return scores[c] / scores.sum()

    def given(self, row, map_row):
        """All arguments of the metrics."""
        picture = cv2.imread(str(self.tree.image(row)), cv2.IMREAD_COLOR_RGB)
        (x,) = self.classifier.preprocess(picture)
        layer_map, c = self.tree.array(map_row).astype(np.float64), map_row.class_idx
        M = resize(layer_map, (8, 8))
        black, span = self.classifier.black, 2.55
        masked = (x - black) * normalise(M)[..., None] + black
        noised = x + drawn_inputs.slight_noise(self.classifier, SEED)
        order = pixel_order(M, seed=SEED)
        curves = {name: [] for name in imputing.CURVES}
        for tenths in range(1, 10):
            count = round(tenths * 6.4)
            for name, holes in zip(curves, (order[:count], order[64 - count :]), strict=True):
                missing = np.isin(np.arange(64), holes).reshape(8, 8)
                filled = impute(x, missing, noise=0.01 * span, seed=SEED)
                curves[name].append(self.p(filled, c))
        return {
            **curves,
            "layer_map": layer_map,
            "normalised": normalise(M),
            "p0": self.p(x, c),
            "p1": self.p(masked, c),
            "masked_saliency": resize(self.map(map_row, masked[None])[0], (8, 8)),
            "perturbed_maps": self.map(map_row, noised),
            "reseeded_map": self.map(map_row, x[None], seed=6)[0],
            "randomised_map": self.map(map_row, x[None], is_random=True)[0],
        }


def test_every_number_is_that_of_one_explanation_at_a_time(config, evaluated):
    rows = plain(evaluated.rows())
    oracle, compared = Oracle(config), set()
    for row in oracle.tree.rows():
        assert len(row.maps) == 3 * len(METHODS) * 2
        for number, map_row in enumerate(row.maps):
            (found,) = (
                r
                for (key, series, target), r in rows.items()
                if (key, series.method, target) == (row.key, map_row.method, number % 3)
                and json.loads(series.settings) == map_row.across
            )
            assert found["class_idx"] == map_row.class_idx
            given = oracle.given(row, map_row)
            for name in NAMES:
                if name == "seed_sensitivity" and map_row.method != "smooth_grad_cam_pp":
                    assert found["undefined"][name] == "no_noise"
                    continue
                if name in found["undefined"]:
                    assert found["undefined"][name] in {"flat_map", "zero_map"}
                    continue
                expected = METRICS[name].measure(given)
                assert found["metrics"][name] == pytest.approx(expected, abs=2e-4), name
                compared.add((name, map_row.method, number % 3))
    assert {name for name, *_ in compared} == set(NAMES)
    assert len(compared) == len(NAMES) * 9 - 6


def test_reference_maps_have_values_where_that_makes_sense(evaluated):
    again = set(NAMES) - {"road", "adcc"}
    for row in evaluated.rows():
        if row.method.startswith("ref_"):
            assert {row.undefined[name] for name in again} == {"no_explanation"}
            assert ("adcc" in row.metrics) == (row.method != "ref_edges")
            assert "road" in row.metrics


def test_killed_and_resumed_in_other_groups_it_gives_the_same_rows(small, out):
    part = out / "evaluation/part-00000.jsonl"
    lines = part.read_bytes().splitlines(keepends=True)
    each = len(lines) // 5
    part.write_bytes(b"".join(lines[each : 2 * each]) + lines[0][:-20])
    assert plain(evaluate(out).rows()) == small[1]


def unevaluated(out, tmp_path, **options):
    """The evaluation of a copy of a tree that has none yet."""
    copy = tmp_path / "unevaluated"
    shutil.copytree(out, copy, ignore=shutil.ignore_patterns("evaluation*"))
    return Evaluation(copy, Options(**options))


def test_what_it_costs_is_told_before(config, evaluated, tmp_path):
    """Three methods on 2 × 3 maps an image: three samplings at the layer, one in pixel space."""
    assert evaluated.cost().passes == evaluated.cost().explained == 0  # nothing is left
    options = {"metrics": NAMES, "seed": SEED, "fill": ["black"]}
    cost = unevaluated(Path(config.out), tmp_path, **options).cost()
    maps, references = 2 * 2 * 3 * 3, 2 * 2 * 3 * 2 * 6
    assert cost.passes == 2 * 3 + (maps + references) * (1 + 18)
    noised = 2 * 4  # two strengths, n + 1 passes each; what looks at the image alone goes along
    of_images = 2 * (10 * noised + noised + noised)
    of_maps = 2 * 3 * 2 * (1 + 4 + 1)
    assert cost.explained == of_images + of_maps
    assert cost.seconds > 0


def test_a_device_without_memory_gets_smaller_batches_and_the_same_numbers(small, out, monkeypatch):
    run_group, score = Ensemble.run, Scorer.__call__

    def small_run(self, images, codes, layout, *rest):
        if layout.images > 1:
            raise DeviceMemoryError
        return run_group(self, images, codes, layout, *rest)

    def small_score(self, *arguments):
        if len(arguments[-1]) > 4:
            raise DeviceMemoryError
        return score(self, *arguments)

    monkeypatch.setattr(Ensemble, "run", small_run)
    monkeypatch.setattr(Scorer, "__call__", small_score)
    (out / "evaluation/part-00000.jsonl").unlink()
    listener = Quiet()
    for place, row in plain(evaluate(out, listener).rows()).items():
        assert row["metrics"] == pytest.approx(small[1][place]["metrics"], abs=1e-4)
    assert any("explaining again with batches of" in note for note in listener.notes)
    assert any("scoring imputed images in batches of 4" in note for note in listener.notes)


def test_how_it_is_done_is_recorded(evaluated, small, tmp_path):
    text = (evaluated.tree.store.read("evaluation/evaluation.yaml")).data.decode()
    assert '"road": {"steps": 10, "noise": 0.01}' in text
    assert '"perturbed_maps": {"radius": 0.02, "draws": 10}' in text
    evaluation = unevaluated(small[0], tmp_path, metrics=["average_drop"])
    assert evaluation.request.made == {}
    assert evaluation.cost().explained == 0


def test_slight_noise_is_a_share_of_the_pixel_range(config):
    classifier = sgcampp.load_model(config.model, scale=0.01, std=[0.5, 1, 2])
    noise = drawn_inputs.slight_noise(classifier, 0)
    assert noise.shape == (10, 8, 8, 3)
    largest = np.abs(noise).max((0, 1, 2))
    np.testing.assert_allclose(largest, 0.02 * 2.55 / np.array([0.5, 1, 2]), rtol=0.02)
    assert np.abs(noise.mean((0, 1, 2)) / largest).max() < 0.1
