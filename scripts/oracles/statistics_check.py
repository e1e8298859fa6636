"""Do the statistics of `evaluate` keep their word? On simulated metrics whose truth is known.

With no difference between two methods 5 % of comparisons may be called so at p < .05, intervals
must cover the truth in 95 %, and a difference as large as the "smallest difference" must be found
in 80 %.

Usage: python -m scripts.oracles.statistics_check [--comparisons 4000] [--json]
"""

import argparse
import json
from dataclasses import asdict, dataclass
from functools import partial

import numpy as np
from scipy.stats import t as student

from scripts.machine import machine_facts, shown
from scripts.oracles.simulated_metrics import MANY, METRICS, Metric, average_drop
from sgcampp.statistics.intervals import Interval, mean_intervals
from sgcampp.statistics.paired import Comparison, compare_means
from sgcampp.statistics.verdicts import holm

IMAGES = (30, 100, 300)
BATCH = 500  # comparisons that share their resamples and flips
FAMILY = 15  # metrics shown together
TOLERANCE = 0.015
TITLES = (
    "metric",
    "N",
    "called (5)",
    "mean covered, BCa (95)",
    "difference covered, BCa (95)",
    "Student (95)",
    "power (80)",
    "smallest ÷ true",
)


@dataclass(frozen=True)
class Row:
    """What came out for one metric and number of images, as shares of the comparisons.

    Attributes:
        metric: of `METRICS`.
        images: N.
        called: p < .05 where there is no difference.
        mean_covered: means inside their intervals.
        difference_covered: 0 inside the BCa interval of the difference.
        student_covered: 0 inside Student's interval of the difference.
        power: p < .05 where the difference is as large as the smallest; None for yes and no.
        smallest: mean of the smallest differences reported, over the true one.
    """

    metric: str
    images: int
    called: float
    mean_covered: float
    difference_covered: float
    student_covered: float
    power: float | None
    smallest: float


def covered(interval: Interval, truth: float) -> bool:
    """Whether the truth is inside; an interval that could not be made does not cover it."""
    low, high = interval.low, interval.high
    return low is not None and high is not None and low <= truth <= high


def called(found: list[Comparison]) -> int:
    """How many have p < .05."""
    return sum(one.p is not None and one.p < 0.05 for one in found)


def true_smallest(metric: Metric, images: int) -> float:
    """The difference that n images show with a power of 80 %, of the true standard deviation."""
    first, second = metric.draw(np.random.default_rng(0), MANY // metric.rows * metric.rows, 1)
    of_image = (first - second).reshape(-1, metric.rows).mean(1)
    quantiles = student.ppf([0.975, 0.8], images - 1).sum()
    return float(quantiles * of_image.std() / np.sqrt(images))


def measure(name: str, images: int, comparisons: int, resamples: int) -> Row:
    """Simulates one metric at one number of images."""
    metric = METRICS[name]
    shift = true_smallest(metric, images)
    of_image = np.repeat(np.arange(images), metric.rows) if metric.rows > 1 else None
    counts = np.zeros(5)
    smallest: list[float] = []
    for seed in range(comparisons // BATCH):
        rng = np.random.default_rng([seed, images])
        first, second = metric.draw(rng, images * metric.rows, BATCH)
        means = mean_intervals(first, of_image, seed, resamples)
        students = mean_intervals(first - second, of_image, kind="student")
        compare = partial(
            compare_means,
            directions=["more"] * BATCH,
            images=of_image,
            yes_no=metric.yes_no,
            seed=seed,
            resamples=resamples,
            flips=resamples,
        )
        null, moved = compare(first, second), compare(first + shift, second)
        counts += [
            called(null),
            sum(covered(mean, metric.mean) for mean in means),
            sum(covered(one.difference, 0) for one in null),
            sum(covered(one, 0) for one in students),
            called(moved),
        ]
        smallest += [one.smallest or 0 for one in null]
    no, mean, difference, by_student, yes = map(float, counts / len(smallest))
    power = None if metric.yes_no else yes
    ratio = float(np.mean(smallest)) / shift
    return Row(name, images, no, mean, difference, by_student, power, ratio)


def family_error(families: int, resamples: int) -> float:
    """The share of families of 15 dependent metrics without a difference that Holm calls any of."""
    wrong = 0
    for seed in range(families):
        rng = np.random.default_rng([seed, FAMILY])
        first, second = (
            np.repeat(method, FAMILY, axis=1) + 5 * rng.normal(size=(100, FAMILY))
            for method in average_drop(rng, 100, 1)
        )
        found = compare_means(
            first, second, ["less"] * FAMILY, seed=seed, resamples=9, flips=resamples
        )
        wrong += any(p is not None and p < 0.05 for p in holm([one.p for one in found]))
    return wrong / families


def line(row: Row) -> str:
    """A row of the table; ! beside what is off by more than 1.5 %."""

    def share(value: float | None, wanted: float) -> str:
        if value is None:
            return "–"
        return f"{100 * value:.1f}{'!' if abs(value - wanted) > TOLERANCE else ''}"

    cells = (
        row.metric,
        str(row.images),
        share(row.called, 0.05),
        share(row.mean_covered, 0.95),
        share(row.difference_covered, 0.95),
        share(row.student_covered, 0.95),
        share(row.power, 0.8),
        f"{row.smallest:.2f}",
    )
    return f"| {' | '.join(cells)} |"


def main() -> None:
    """Prints a Markdown table, or JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--comparisons", type=int, default=4_000, metavar="M", help="of each row")
    parser.add_argument("--resamples", type=int, default=1_999, metavar="B", help="and sign flips")
    parser.add_argument("--families", type=int, default=1_000, metavar="F", help="for Holm")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.comparisons < BATCH:
        parser.error(f"--comparisons must be at least {BATCH}")
    rows = [
        measure(name, images, options.comparisons, options.resamples)
        for name in METRICS
        for images in IMAGES
    ]
    family = family_error(options.families, options.resamples)
    if options.json:
        found = {**vars(options), "rows": [asdict(row) for row in rows], "family_error": family}
        print(json.dumps(found | {"machine": machine_facts()}))
        return
    print(f"# {shown(machine_facts())}; {options.comparisons} comparisons a row, in %")
    print(f"| {' | '.join(TITLES)} |\n|{'---|' * len(TITLES)}")
    for row in rows:
        print(line(row))
    print(f"Holm: {100 * family:.1f} of {FAMILY}-metric families have a wrong one (at most 5)")


if __name__ == "__main__":
    main()
