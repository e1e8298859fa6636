"""What an evaluation says: means with intervals, comparisons, verdicts (see `summarise`)."""

from dataclasses import dataclass, field

from sgcampp.evaluation.rows import Series
from sgcampp.statistics.intervals import Interval
from sgcampp.statistics.paired import Comparison
from sgcampp.statistics.verdicts import Verdict


@dataclass(frozen=True)
class Compared:
    """One series against another, in one metric.

    Attributes:
        other: the series that it is held against.
        comparison: of this one less the other, over the images that both have.
        p_holm: adjusted for all comparisons of the evaluation's table.
        verdict: the word for it.
    """

    other: Series
    comparison: Comparison
    p_holm: float | None
    verdict: Verdict


@dataclass(frozen=True)
class Cell:
    """One series in one metric.

    Attributes:
        mean: the mean over images (of a pooled metric its one number), with its interval.
        undefined: maps without a value, by reason.
        against: held against the evaluation's `against` at the same layer; None for that itself,
            and where there is none.
        above_random: whether it is shown to be better than ref_random at its layer; None where
            that is not asked.
    """

    mean: Interval
    undefined: dict[str, int] = field(default_factory=dict)
    against: Compared | None = None
    above_random: bool | None = None


@dataclass(frozen=True)
class SeriesSummary:
    """One series in all metrics.

    Attributes:
        series: which one.
        images: that have a map of it.
        maps: its maps.
        flat: those of them that are all zeros.
        cells: by metric.
        curves: by curve, the mean probability at each share of pixels with its interval.
    """

    series: Series
    images: int
    maps: int
    flat: int
    cells: dict[str, Cell]
    curves: dict[str, list[Interval]] = field(default_factory=dict)


@dataclass(frozen=True)
class MetricFacts:
    """A metric as tables name it: `better` is "more", "less" or "" (only describes)."""

    name: str
    summary: str
    better: str
    unit: str


@dataclass(frozen=True)
class Summary:
    """A whole evaluation.

    Attributes:
        metrics: in the order of the tables.
        series: methods first, then reference maps.
        against: the method that the others are held against; None if there is none.
        spearman: rank correlations between metrics over maps of methods, [C][C].
        left_out: maps that nothing was measured of, by reason.
        failed: maps that could not be measured, by reason.
        images: in the evaluation.
        sentences: verdicts in plain words, the most important first.
    """

    metrics: list[MetricFacts]
    series: list[SeriesSummary]
    against: str | None
    spearman: list[list[float | None]]
    left_out: dict[str, int]
    failed: dict[str, int]
    images: int
    sentences: list[str]
