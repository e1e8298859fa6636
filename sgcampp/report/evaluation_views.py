"""What the page of an evaluation shows of a summary: a chart and a table for each thing."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from sgcampp.report.charts import Curve, Difference, curves, forest
from sgcampp.report.extremes import REFERENCE
from sgcampp.report.numbers import ARROWS

if TYPE_CHECKING:
    from sgcampp.evaluation.records import Record
    from sgcampp.evaluation.rows import EvaluationRow, Series
    from sgcampp.evaluation.summary import Cell, MetricFacts, SeriesSummary, Summary

SIDES = {"more": "More is better", "less": "Less is better", "": "It describes; neither is better"}

CURVES = {
    "insertion": ("Insertion", "% of pixels put in, most important first"),
    "deletion": ("Deletion", "% of pixels taken out, most important first"),
    "lerf": ("Least important first", "% of pixels taken out, least important first"),
    "road_morf": ("ROAD", "% of pixels imputed, most important first"),
    "road_lerf": ("ROAD, least important first", "% of pixels imputed, least important first"),
}
"""What known curves are called, and what their shares are of."""


@dataclass(frozen=True)
class MetricView:
    """One metric: its forest plot, if something is compared in it, and all series with a value."""

    facts: "MetricFacts"
    lines: "list[tuple[SeriesSummary, Cell]]"
    forest: Markup | None

    @property
    def compared(self) -> bool:
        """Whether the table has a difference in any line."""
        return any(cell.against for _, cell in self.lines)


@dataclass(frozen=True)
class CurveView:
    """One kind of curve at one layer: all series, methods first."""

    title: str
    layer: str
    shares: list[float]
    series: "list[SeriesSummary]"
    name: str
    chart: Markup


def is_reference(series: "SeriesSummary") -> bool:
    """Whether it is of reference maps, not of a method."""
    return series.series.method.startswith(REFERENCE)


def baselines(summary: "Summary") -> "set[Series]":
    """What others are held against."""
    cells = [cell for one in summary.series for cell in one.cells.values()]
    return {cell.against.other for cell in cells if cell.against}


def title_of(facts: "MetricFacts") -> str:
    """A metric's name with its direction and unit."""
    words = [facts.name, ARROWS[facts.better], f"({facts.unit})" if facts.unit else ""]
    return " ".join(filter(None, words))


def metric_views(summary: "Summary") -> Iterator[MetricView]:
    """The metrics in the order of the table."""
    for facts in summary.metrics:
        lines = [(one, one.cells[facts.name]) for one in summary.series if facts.name in one.cells]
        if lines:
            yield MetricView(facts, lines, _forest(facts, lines, summary.against))


def _forest(
    facts: "MetricFacts", lines: "Sequence[tuple[SeriesSummary, Cell]]", against: str | None
) -> Markup | None:
    """References are far from methods, so where there are methods, their lines alone are drawn."""
    if not facts.better:
        return None
    held = [(one, cell.against) for one, cell in lines if cell.against]
    of_methods = [(one, compared) for one, compared in held if not is_reference(one)]
    drawn = [
        Difference(one.series.layer, one.series.label, compared.comparison.difference, word)
        for one, compared in of_methods or held
        for word in [compared.verdict]
    ]
    if not drawn:
        return None
    layers = list(dict.fromkeys(line.layer for line in drawn))
    drawn.sort(key=lambda line: layers.index(line.layer))
    title = f"{title_of(facts)}: difference to {against}, with 95 % intervals"
    return forest(drawn, facts.better, facts.unit, f"{title}; the table below has the numbers")


def curve_views(summary: "Summary", shares: "Shares") -> Iterator[CurveView]:
    """Each kind of curve at each layer."""
    methods = dict.fromkeys(one.series.label for one in summary.series if not is_reference(one))
    references = dict.fromkeys(one.series.label for one in summary.series if is_reference(one))
    looks = {label: f"c{number % 8}" for number, label in enumerate(methods)}
    looks |= {label: f"r{number % 6}" for number, label in enumerate(references)}
    layers = dict.fromkeys(one.series.layer for one in summary.series)
    for name in _curve_names(summary):
        for layer in layers:
            having = [
                one for one in summary.series if one.series.layer == layer and one.curves.get(name)
            ]
            if having:
                yield _curve_view(name, layer, having, shares, looks)


def _curve_names(summary: "Summary") -> list[str]:
    """Known ones first, in their order."""
    every = dict.fromkeys(name for one in summary.series for name in one.curves)
    places = {name: place for place, name in enumerate(CURVES)}
    return sorted(
        (name for name in every if not name.endswith("shares")),
        key=lambda name: places.get(name.removesuffix("_curve"), len(places)),
    )


def _curve_view(
    name: str,
    layer: str,
    series: "list[SeriesSummary]",
    shares: "Shares",
    looks: dict[str, str],
) -> CurveView:
    series = sorted(series, key=is_reference)
    known = shares.of(name, len(series[0].curves[name]))
    title, axis = CURVES.get(name.removesuffix("_curve"), (name, "% of pixels"))
    drawn = [
        Curve(one.series.label, looks[one.series.label], one.curves[name])
        for one in reversed(series)
    ]
    words = f"{title} at {layer}: mean probability of the class, with 95 % intervals"
    chart = curves(drawn, known, axis, f"{words}; the table below has the numbers")
    return CurveView(title, layer, known, series, name, chart)


class Shares:
    """The shares of pixels of the points of curves, as rows have them."""

    def __init__(self) -> None:
        self._known: dict[str, list[float]] = {}

    def add(self, row: "EvaluationRow | Record") -> None:
        """Takes in one row."""
        for name, values in row.curves.items():
            if name.endswith("shares") and name not in self._known:
                self._known[name] = list(map(float, values))

    def of(self, name: str, points: int) -> list[float]:
        """Of a curve: those of its own name, the common ones, or even steps from 0 to 1."""
        kind = name.removesuffix("_curve")
        for own in (f"{kind}_shares", f"{kind.partition('_')[0]}_shares", "shares"):
            if len(self._known.get(own, ())) == points:
                return self._known[own]
        return [i / max(1, points - 1) for i in range(points)]


def reasons(counts: dict[str, int]) -> Iterable[tuple[str, int]]:
    """The most frequent first."""
    return sorted(counts.items(), key=lambda item: (-item[1], item[0]))
