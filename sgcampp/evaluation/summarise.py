"""From the rows of an evaluation to what it says: means, comparisons, curves, sentences."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from sgcampp.evaluation.comparing import Held, compare_all
from sgcampp.evaluation.evidence import evidence_of, pooled_interval
from sgcampp.evaluation.gathering import Gathered, Grid, gather, in_order, is_reference
from sgcampp.evaluation.records import Record
from sgcampp.evaluation.rows import EvaluationRow, Series
from sgcampp.evaluation.sentences import sentences
from sgcampp.evaluation.summary import Cell, MetricFacts, SeriesSummary, Summary
from sgcampp.metrics.catalogue import METRICS
from sgcampp.statistics.agreement import spearman
from sgcampp.statistics.intervals import Interval, mean_intervals

AGAINST = "grad_cam_pp"
"""What methods are held against, if nothing else is said and it is there."""


def summarise(rows: Iterable[EvaluationRow], against: str | None = None, seed: int = 0) -> Summary:
    """Says what the rows of an evaluation show; their order changes nothing.

    Args:
        rows: of several for one map (image, series, target) the one that finished last holds;
            maps left out or failed are only counted.
        against: the method that the others are held against, at the same layer and on the rows
            that both have; None: Grad-CAM++ if it is there.
        seed: of resamples, flips and groups.

    Returns:
        Means with BCa intervals over images, differences with Student's, Holm's p over all
        comparisons with `against`, verdicts, and sentences.
    """
    return summary_of(gather(rows), against, seed)


def summary_of(gathered: Gathered, against: str | None = None, seed: int = 0) -> Summary:
    """The same of rows that are gathered already."""
    methods = {series.method for series in gathered.records}
    held_against = AGAINST if against is None else against
    found_against = held_against if held_against in methods else None
    series = in_order(gathered.records, found_against)
    grid = Grid(gathered.records, series, gathered.metrics)
    means = _means(grid, seed)
    held = compare_all(grid, found_against, seed)
    summary = Summary(
        metrics=[_facts(name) for name in grid.metrics],
        series=[_of_series(one, grid, means, held) for one in series],
        against=found_against,
        spearman=_agreement(grid),
        left_out=gathered.left_out,
        failed=gathered.failed,
        images=gathered.images,
        sentences=[],
    )
    return replace(summary, sentences=sentences(summary, against))


def _facts(name: str) -> MetricFacts:
    """A metric that is not registered here only describes."""
    if name not in METRICS:
        return MetricFacts(name, "", "", "")
    metric = METRICS[name]
    return MetricFacts(name, metric.summary, metric.better, metric.unit)


def _means(grid: Grid, seed: int) -> dict[tuple[Series, str], Interval]:
    """The mean, or pooled number, of each series in each metric; all means share the resamples."""
    columns = grid.values.reshape(len(grid.rows), len(grid.series) * len(grid.metrics))
    keys = [(one, name) for one in grid.series for name in grid.metrics]
    found = dict(zip(keys, mean_intervals(columns, grid.images, seed), strict=True))
    for one, name in keys:
        pool = METRICS[name].pool if name in METRICS else None
        evidence = evidence_of(grid, one, name) if pool else None
        if pool and evidence:
            found[one, name] = pooled_interval(pool, evidence, seed)
    return found


def _of_series(
    series: Series,
    grid: Grid,
    means: dict[tuple[Series, str], Interval],
    held: dict[tuple[Series, str], Held],
) -> SeriesSummary:
    records = grid.records[series]
    cells = {}
    for name in grid.metrics:
        reasons = Counter(r.undefined[name] for r in records if name in r.undefined)
        said = held.get((series, name), Held(None, None))
        cells[name] = Cell(
            means[series, name], dict(sorted(reasons.items())), said.against, said.above_random
        )
    return SeriesSummary(
        series=series,
        images=len({record.key for record in records}),
        maps=len(records),
        flat=sum(record.flat for record in records),
        cells=cells,
        curves=_curves(records, grid.images[grid.places[series]]),
    )


def _curves(records: Sequence[Record], images: NDArray[np.int64]) -> dict[str, list[Interval]]:
    """The mean of each curve at each step, `shares` among them, with Student's intervals."""
    found = {}
    for name in sorted({name for record in records for name in record.curves}):
        having = [n for n, record in enumerate(records) if name in record.curves]
        curves = np.stack([records[n].curves[name] for n in having])
        found[name] = mean_intervals(curves, images[having], kind="student")
    return found


def _agreement(grid: Grid) -> list[list[float | None]]:
    methods = [s for s, one in enumerate(grid.series) if not is_reference(one)]
    values = grid.values[:, methods].reshape(len(grid.rows) * len(methods), len(grid.metrics))
    return spearman(values[np.isfinite(values).any(1)])
