"""A model that looks at one patch alone: the map that says so must beat everything else."""

from pathlib import Path

import cv2
import numpy as np
import pytest
from listener import Listener

from sgcampp.config.run_config import RunConfig
from sgcampp.evaluation.opening import Options
from sgcampp.evaluation.running import Evaluation
from sgcampp.evaluation.summarise import summarise
from sgcampp.metrics.catalogue import METRICS
from sgcampp.pipeline import run
from sgcampp.run.stop import Stop

SIDE, PATCH = 64, (slice(0, 8), slice(56, 64))
"""In a corner, so that a map of the middle misses it."""
FAITHFUL = ["average_drop", "insertion", "deletion", "srg"]
SANE = ["mprt_spearman", "emprt"]
LOCAL = ["pointing_game", "energy", "loc_iou_25", "loc_iou_50", "instance_recall"]


def planted_model(moving):
    """Class 1 by the brightness of the patch in the corner, or of the brightest patch anywhere."""
    import keras

    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((SIDE, SIDE, 3)),
            layers.AveragePooling2D(8),
            layers.Conv2D(1, 1, activation="relu", name="features"),
            layers.GlobalMaxPooling2D() if moving else layers.Flatten(),
            layers.Dense(2, activation="softmax"),
        ]
    )
    patch = np.zeros((1 if moving else 64, 2))
    patch[0 if moving else 7] = (-20, 20) if moving else (-6, 6)
    bias = np.array([12.0, -12.0]) if moving else np.array([3.0, -3.0])
    model.set_weights([np.ones((1, 1, 3, 1)) / 3, np.zeros(1), patch, bias])
    return model


@pytest.fixture(scope="module")
def means(tmp_path_factory):
    """The mean of each metric, by method or reference map, with the patch in the corner."""
    return evaluated(tmp_path_factory.mktemp("planted"), [PATCH] * 24)


@pytest.fixture(scope="module")
def moving(tmp_path_factory):
    """The same with the patch elsewhere in each image."""
    places = np.random.default_rng(1).permutation(64)[:24]
    patches = [
        (slice(8 * row, 8 * row + 8), slice(8 * column, 8 * column + 8))
        for row, column in zip(*np.divmod(places, 8), strict=True)
    ]
    return evaluated(tmp_path_factory.mktemp("moving"), patches)


def evaluated(home, patches):
    (home / "pictures").mkdir()
    rng = np.random.default_rng(0)
    lines = ["image,class,x,y,w,h"]
    for number, patch in enumerate(patches):
        picture = rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8)
        picture[patch] = picture[patch] // 2 + 115  # no edge that is stronger than the noise
        cv2.imwrite(str(home / f"pictures/{number:02d}.png"), picture)
        lines.append(f"{number:02d}.png,class 1,{patch[1].start},{patch[0].start},8,8")
    (home / "boxes.csv").write_text("\n".join(lines) + "\n")
    planted_model(patches[0] != patches[1]).save(home / "planted.keras")
    config = RunConfig(
        model=str(home / "planted.keras"),
        scale=1 / 255,
        method="gradient",
        target=1,
        write=["arrays"],
        sources=[str(home / "pictures")],
        out=str(home / "out"),
    )
    run(config, Listener())
    options = Options(
        metrics=[*FAITHFUL, *LOCAL, *SANE],
        boxes=home / "boxes.csv",
        against="gradient",
        steps=16,
        fill=["black"],
    )
    evaluation = Evaluation(Path(config.out), options)
    evaluation.run(Quiet(), Stop())
    summary = summarise(evaluation.rows(), "gradient")
    return {
        one.series.method: {name: cell.mean.estimate for name, cell in one.cells.items()}
        for one in summary.series
    }


class Quiet:
    def note(self, sentence): ...
    def start(self, images): ...
    def finish(self, images): ...


@pytest.mark.parametrize("name", [*FAITHFUL, *LOCAL])
def test_the_oracle_map_is_above_all_references(means, name):
    sign = 1 if METRICS[name].better == "more" else -1
    best = sign * means["gradient"][name]
    # A map of all ones hides nothing, and whatever is hot everywhere covers each object.
    broad = {"ref_ones", "ref_random", "ref_edges"}
    free = {"average_drop": {"ref_ones"}, "instance_recall": broad}
    for method, values in means.items():
        if method not in {"gradient", *free.get(name, ())} and method != "ref_shuffled":
            assert best > sign * values[name], (method, values[name])


def test_the_oracle_map_is_gone_with_the_weights(means):
    """Of 64 cells one is looked at; of the re-initialised network all are, at random."""
    assert means["gradient"]["mprt_spearman"] < 0.3
    assert means["gradient"]["emprt"] > 0.5


@pytest.mark.parametrize("name", [*FAITHFUL, *LOCAL[1:]])
def test_another_images_map_is_nearer_chance_than_the_oracle_where_the_patch_moves(moving, name):
    """Without the pointing game, whose radius of 15 pixels is half of so small an image."""
    sign = 1 if METRICS[name].better == "more" else -1
    values = {method: sign * of[name] for method, of in moving.items()}
    assert values["gradient"] == max(values.values()), values
    assert values["ref_shuffled"] < (values["ref_random"] + values["gradient"]) / 2, values


def test_another_images_map_is_the_same_here(means):
    """The patch stands in the same place everywhere, so the shuffled map is the oracle too."""
    for name in FAITHFUL:
        assert means["ref_shuffled"][name] == pytest.approx(means["gradient"][name], abs=1e-6)
