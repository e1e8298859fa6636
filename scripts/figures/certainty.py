"""Are standard errors of maps true, and what does a tolerance save? On a directory's photographs.

Coverage: maps of n = 20 with 40 seeds, each at its own maximum. The ratio of a map's error (RMS
over neurons) to the true deviation over seeds, and at how many neurons a map lies within two
standard errors of a long run.

Tolerance: passes of runs that find n image by image, against the smallest n for all that meets the
tolerance on 95 % of the photographs; and their passes a second against a run of that n.

Usage: python -m scripts.figures.certainty DIRECTORY [--coverage | --tolerance 0.01]
    [--layer NAME ...] [--most 800]
"""

import argparse
import time
from collections.abc import Iterator, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from scripts.machine import machine_facts, shown
from sgcampp.explain.classes import NO_CLASS

LAYERS = ("block14_expand_act", "block10_expand_act")
SEEDS, SAMPLES, LONG, LONG_SEED = 40, 20, 1000, 999
BATCH, FEWEST, STEEP = 16, 15, 1.02
"""Errors are looked at from FEWEST samples on, each time there are STEEP times as many."""
TIMED, TIMED_N, REPEATS = 8, 400, 3
"""Passes a second are of TIMED images, in alternation; of more than TIMED_N samples they are the
same."""


def inputs(directory: Path, count: int | None) -> tuple[Any, NDArray[np.float32]]:
    """The embedded model, and its inputs of the first photographs of a directory."""
    from sgcampp import load_model
    from sgcampp.images.decode import read_image

    classifier = load_model("efficientnet-lite0")
    paths = sorted(path for path in directory.iterdir() if path.is_file())[:count]
    return classifier, classifier.preprocess([read_image(path).rgb for path in paths])


def explainer(
    classifier: Any, layers: Sequence[str], nsamples: int, tolerance: float | None = None
) -> Any:
    """At some layers, with noise of 0.15."""
    from sgcampp import Explainer

    return Explainer(
        classifier,
        layers,
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
    (long,) = with_seeds(explainer(classifier, LAYERS, LONG), x, range(LONG_SEED, LONG_SEED + 1))
    found = list(with_seeds(explainer(classifier, LAYERS, SAMPLES), x, range(SEEDS)))
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


def errors_by_samples(
    explain: Any, x: NDArray[np.float32]
) -> tuple[NDArray[np.int32], NDArray[np.float64]]:
    """Numbers of samples [N], and the largest `relative_se` of each image after so many, [N, k]."""
    (engine,) = explain.ensemble(1, x.shape[1:]).engines
    grid = engine.lay_out_open(BATCH, len(x))
    curves = []
    for of_some in np.split(x, range(grid.images, len(x), grid.images)):
        # The last may be fewer than a batch: the others count for nothing.
        images = np.resize(of_some, (grid.images, *x.shape[1:]))
        state = engine.start(np.full((len(images), 1, 2), [-1, NO_CLASS], np.int32), images)
        curve: dict[int, list[float]] = {}
        for samples in grid.slices:
            state = engine.step(images, np.tile(samples, (len(images), 1)), [samples], state)
            n = int(min(samples[-1], engine.passes))
            if n >= max(FEWEST, STEEP * max(curve, default=0)):
                curve[n] = [largest(engine.result_of(state, at, n)) for at in range(len(of_some))]
        curves.append(np.array(list(curve.values())))
    return np.array(list(curve), np.int32), np.concatenate(curves, axis=1)


def largest(result: Any) -> float:
    """The largest `relative_se` of an image's maps."""
    return max(float(maps.relative_se.max()) for maps in result.maps.values())


def smallest_for_all(
    explain: Any, x: NDArray[np.float32], tolerance: float, found: NDArray[np.int32]
) -> int:
    """The smallest n that meets the tolerance on 95 % of the images; that of `explain` at most.

    Images that met it with less than half of the samples of the 95 % are taken to meet it from
    there on; of all others the errors by n are looked at.

    Args:
        explain: with the most samples.
        x: the images.
        tolerance: of `relative_se`.
        found: int32 [k], the samples that met it image by image.
    """
    hard = found > np.quantile(found, 0.95) / 2
    numbers, errors = errors_by_samples(explain, x[hard])
    met = (errors <= tolerance).sum(1) + (found[~hard] <= numbers[:, None]).sum(1)
    enough = met >= 0.95 * len(x)
    return int(numbers[enough][0] if enough.any() else numbers[-1])


def tolerance_pays(directory: Path, tolerance: float, layers: Sequence[str], most: int) -> None:
    """Prints one line."""
    classifier, x = inputs(directory, None)
    open_ended = explainer(classifier, layers, most, tolerance)
    found = open_ended.each(x)[0].samples
    n = smallest_for_all(explainer(classifier, layers, most), x, tolerance, found)
    passes = [int(found.sum()) + len(x), (n + 1) * len(x)]
    fixed, some = explainer(classifier, layers, min(n, TIMED_N)), x[:: len(x) // TIMED]
    fixed.each(some[:2])
    rates = [rate(open_ended, some) / rate(fixed, some) for _ in range(REPEATS)]
    quartiles = np.quantile(found, [0, 0.25, 0.5, 0.75, 1]).astype(int).tolist()
    print(
        f"tolerance {tolerance} at {', '.join(layers)}: {passes[0]} passes, {passes[1]} of "
        f"n = {n} for all: {passes[0] / passes[1]:.2f}; passes a second "
        f"{np.median(rates):.2f} × as many {np.round(sorted(rates), 2).tolist()}; samples by "
        f"quartile {quartiles}, {(found == most).sum()} images at the most of {most}",
        flush=True,
    )


def rate(explain: Any, x: NDArray[np.float32]) -> float:
    """Passes in a second of the processor."""
    begin = time.process_time()
    samples = explain.each(x)[0].samples
    return (int(samples.sum()) + len(x)) / (time.process_time() - begin)


def main() -> None:
    """Runs what is asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory", type=Path)
    parser.add_argument("--coverage", action="store_true")
    parser.add_argument("--tolerance", type=float, action="append", default=[])
    parser.add_argument("--layer", action="append", help=f"default: {' and '.join(LAYERS)}")
    parser.add_argument("--most", type=int, default=800, help="samples an image")
    options = parser.parse_args()
    print(f"# {shown(machine_facts())}", flush=True)
    if options.coverage:
        coverage(options.directory)
    for tolerance in options.tolerance:
        tolerance_pays(options.directory, tolerance, options.layer or LAYERS, options.most)


if __name__ == "__main__":
    main()
