"""Are standard errors of maps true, and what does a tolerance save? On a directory's photographs.

Coverage: maps of n = 20 with 40 seeds, each at its own maximum. The ratio of a map's error (RMS
over neurons) to the true deviation over seeds, and at how many neurons a map lies within two
standard errors of a long run.

Tolerance: passes of runs that find n image by image, against the smallest n for all that meets the
tolerance on 95 % of the photographs; and their passes a second against a run of that n.

Usage: python -m scripts.figures.certainty DIRECTORY [--coverage | --tolerance 0.01]
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.machine import machine_facts, shown

LAYERS = ("block14_expand_act", "block10_expand_act")
SEEDS, SAMPLES, LONG, LONG_SEED = 40, 20, 1000, 999
MOST, BATCH, STEP = 800, 16, 8


def inputs(directory: Path, count: int | None) -> tuple[Any, NDArray[np.float32]]:
    """The embedded model, and its inputs of the first photographs of a directory."""
    from sgcampp import load_model
    from sgcampp.images.decode import read_image

    classifier = load_model("efficientnet-lite0")
    paths = sorted(path for path in directory.iterdir() if path.is_file())[:count]
    return classifier, classifier.preprocess([read_image(path).rgb for path in paths])


def explainer(classifier: Any, nsamples: int, tolerance: float | None = None) -> Any:
    """At both layers, with noise of 0.15."""
    from sgcampp import Explainer

    return Explainer(
        classifier,
        LAYERS,
        nsamples=nsamples,
        frozen=True,
        batch_size=BATCH,
        tolerance=tolerance,
    )


def with_seeds(explain: Any, x: NDArray[np.float32], seeds: range) -> Iterator[list[Any]]:
    """Explanations a layer, seed by seed, from one trace."""
    from sgcampp.engine.copies import copies_for

    (engine,) = explain.ensemble(1, x.shape[1:]).engines
    for seed in seeds:
        sampling = replace(engine.plan.sampling, seed=seed)
        engine._copies = copies_for(sampling, x.shape[1:])
        yield explain.each(x)


def at_maximum(maps: NDArray[Any]) -> NDArray[np.float64]:
    """[..., h, w], each over its maximum."""
    return maps / maps.max((-2, -1), keepdims=True).astype(np.float64)


def coverage(directory: Path) -> None:
    """Prints a row a layer."""
    classifier, x = inputs(directory, 12)
    (long,) = with_seeds(explainer(classifier, LONG), x, range(LONG_SEED, LONG_SEED + 1))
    found = list(with_seeds(explainer(classifier, SAMPLES), x, range(SEEDS)))
    print("| layer | error ÷ true deviation, median | 10 % | 90 % | within two errors |")
    print("|---|---|---|---|---|")
    for i, layer in enumerate(LAYERS):
        maps = np.stack([at_maximum(of[i].maps) for of in found])
        peaks = np.stack([of[i].maps.max((1, 2), keepdims=True) for of in found])
        se = np.stack([of[i].standard_error for of in found]) / peaks
        true = np.sqrt(maps.var(0, ddof=1).mean((1, 2)))
        ratios = np.sqrt((se**2).mean((2, 3))) / true
        inside = np.abs(maps - at_maximum(long[i].maps)) <= 2 * se
        low, middle, high = np.quantile(ratios, [0.1, 0.5, 0.9])
        print(f"| `{layer}` | {middle:.2f} | {low:.2f} | {high:.2f} | {inside.mean():.1%} |")


def smallest_for_all(
    classifier: Any, x: NDArray[np.float32], tolerance: float, guess: int
) -> tuple[int, Any]:
    """The smallest n, of multiples of STEP, that meets the tolerance on 95 % of the images.

    From a guess on, downwards while n is enough, or upwards until it is; MOST at most. With the
    explainer of that n.
    """

    def meets(explain: Any) -> bool:
        relative = [of.relative_se for of in explain.each(x)]
        return bool((np.max(relative, 0) <= tolerance).mean() >= 0.95)

    n = min(max(STEP * -(-guess // STEP), 2 * STEP), MOST)
    of_n = explainer(classifier, n)
    if meets(of_n):
        while n > 2 * STEP and meets(fewer := explainer(classifier, n - STEP)):
            n, of_n = n - STEP, fewer
        return n, of_n
    while n < MOST:
        n = n + STEP
        if meets(of_n := explainer(classifier, n)):
            break
    return n, of_n


def tolerance_pays(directory: Path, tolerance: float) -> None:
    """Prints one line."""
    classifier, x = inputs(directory, None)

    def timed(explain: Any) -> tuple[NDArray[np.int32], float]:
        explain.each(x[:2])
        begin = time.process_time()
        samples = explain.each(x)[0].samples
        return samples, (int(samples.sum()) + len(x)) / (time.process_time() - begin)

    found, rate = timed(explainer(classifier, MOST, tolerance))
    guess = int(np.quantile(found, 0.95))
    n, of_n = smallest_for_all(classifier, x, tolerance, guess)
    fixed, fixed_rate = timed(of_n)
    passes = [int(samples.sum()) + len(x) for samples in (found, fixed)]
    quartiles = np.quantile(found, [0, 0.25, 0.5, 0.75, 1]).astype(int).tolist()
    print(
        f"tolerance {tolerance}: {passes[0]} passes, {passes[1]} of n = {n} for all: "
        f"{passes[0] / passes[1]:.2f}; passes a second {rate / fixed_rate:.2f} × as many; "
        f"samples by quartile {quartiles}, {(found == MOST).sum()} images at the most of {MOST}",
        flush=True,
    )


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--tolerance", type=float, action="append", default=[])
    options = parser.parse_args()
    print(f"# {shown(machine_facts())}", flush=True)
    if options.coverage:
        coverage(options.directory)
    for tolerance in options.tolerance:
        tolerance_pays(options.directory, tolerance)


if __name__ == "__main__":
    main()
