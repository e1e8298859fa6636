"""How many noised samples a map needs, and how strong their noise may be, on real photographs.

For each layer, std_dev and n: how near a map of n samples comes to a long run with another seed
(rank correlation by Spearman; root mean square difference of maps divided by their maxima), how
near two seeds come to each other, the effective sample size, and the error as a share of the change
that smoothing makes (the difference of the long run and the map of the clean image, n = 0).

Usage: python -m scripts.figures.choosing_n [--score logit] [--json]
"""

import argparse
import itertools
import json
from importlib.resources import as_file, files
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.stats import spearmanr

from scripts.machine import machine_facts, shown

NAMES = (
    "chelsea.png",
    "coffee.png",
    "rocket.jpg",
    "astronaut.png",
    "motorcycle_left.png",
    "camera.png",
)
LAYERS = ("block14_expand_act", "block10_expand_act")
STD_DEVS = (0.05, 0.15, 0.3)
COUNTS = (5, 10, 25, 50, 100)
LONG, LONG_SEED, SEEDS = 200, 2, (0, 1)

COLUMNS = {
    "layer": ("layer", "s"),
    "std_dev": ("std_dev", ".2f"),
    "n": ("n", "d"),
    "rank_correlation": ("rank correlation with the long run", ".3f"),
    "worst": ("worst of a photograph", ".3f"),
    "rank_correlation_of_seeds": ("of two seeds", ".3f"),
    "rmse": ("RMSE", ".3f"),
    "share_of_change": ("RMSE ÷ change", ".2f"),
    "ess": ("ess", ".3g"),
}
"""Title and format of each column of the table."""


class Runs:
    """Explains the photographs with any settings, the class held at the clean image's."""

    def __init__(self, score: str) -> None:
        from sgcampp import load_model

        self.score = score
        self.classifier = load_model("efficientnet-lite0")
        self.inputs = self.classifier.preprocess(photographs())

    def __call__(self, n: int, std_dev: float, seed: int) -> list[Any]:
        """An Explanation a layer, of all photographs."""
        from sgcampp import Explainer

        explainer = Explainer(
            self.classifier,
            LAYERS,
            nsamples=n,
            std_dev=std_dev,
            seed=seed,
            frozen=True,
            score=self.score,
        )
        return explainer.each(self.inputs)


def photographs() -> list[NDArray[np.uint8]]:
    """Photographs that scikit-image ships, uint8 RGB [H, W, 3]."""
    from sgcampp.images.decode import read_image

    images = []
    for name in NAMES:
        with as_file(files("skimage.data") / name) as path:
            images.append(read_image(path).rgb)
    return images


def rank_correlations(some: NDArray[Any], others: NDArray[Any]) -> list[float]:
    """Spearman's correlation of maps [N, h, w], pair by pair."""
    return [float(spearmanr(a, b, axis=None)[0]) for a, b in zip(some, others, strict=True)]


def rmse(some: NDArray[Any], others: NDArray[Any]) -> float:
    """Root mean square difference of maps [N, h, w], each divided by its maximum."""
    of_maximum = (maps / maps.max((1, 2), keepdims=True) for maps in (some, others))
    return float(np.sqrt(np.mean(np.subtract(*of_maximum) ** 2)))


def compared(runs: list[Any], long: NDArray[Any], clean: NDArray[Any]) -> dict[str, Any]:
    """The measures of runs that differ in their seed alone.

    Args:
        runs: Explanations.
        long: [N, h, w], maps of the long run.
        clean: [N, h, w], maps of n = 0.
    """
    near = [r for run in runs for r in rank_correlations(run.maps, long)]
    pairs = itertools.combinations([run.maps for run in runs], 2)
    between = [r for pair in pairs for r in rank_correlations(*pair)]
    error = float(np.sqrt(np.mean([rmse(run.maps, long) ** 2 for run in runs])))
    return {
        "rank_correlation": float(np.mean(near)),
        "worst": min(near),
        "rank_correlation_of_seeds": float(np.mean(between)) if between else None,
        "rmse": error,
        "share_of_change": error / rmse(clean, long),
        "ess": float(np.median([run.ess for run in runs])),
    }


def measure(score: str) -> list[dict[str, Any]]:
    """A row for each layer, std_dev and n."""
    runs = Runs(score)
    clean = runs(0, 0.0, 0)
    rows = []
    for std_dev in STD_DEVS:
        long = runs(LONG, std_dev, LONG_SEED)
        found = {n: [runs(n, std_dev, seed) for seed in SEEDS] for n in COUNTS}
        for i, layer in enumerate(LAYERS):
            of_layer = {0: [clean[i]], **{n: [run[i] for run in found[n]] for n in COUNTS}}
            rows += [
                {"layer": layer, "std_dev": std_dev, "n": n}
                | compared(several, long[i].maps, clean[i].maps)
                for n, several in of_layer.items()
            ]
    return sorted(rows, key=lambda row: LAYERS.index(row["layer"]))


def line(row: dict[str, Any]) -> str:
    """A row of the table, in Markdown."""
    cells = ("–" if row[name] is None else f"{row[name]:{of[1]}}" for name, of in COLUMNS.items())
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints a Markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--score", default="exp_logit", choices=["exp_logit", "logit"])
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rows = measure(options.score)
    if options.json:
        facts = {"score": options.score, "long": LONG, "photographs": NAMES}
        print(json.dumps({**facts, "rows": rows, "machine": machine_facts()}))
        return
    print(f"# {shown(machine_facts())}")
    titles = " | ".join(title for title, _ in COLUMNS.values())
    print(f"| {titles} |\n|{'---|' * len(COLUMNS)}")
    for row in rows:
        print(line(row))


if __name__ == "__main__":
    main()
