"""An evaluation as a table of text: a line a series, a column a metric."""

import re
import textwrap
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import groupby

from sgcampp.evaluation.gathering import is_reference
from sgcampp.evaluation.numerals import mean_of
from sgcampp.evaluation.summary import Cell, MetricFacts, SeriesSummary, Summary
from sgcampp.statistics.verdicts import Verdict

MARKS: dict[Verdict, str] = {
    "better": "+",
    "worse": "−",
    "no difference shown": "=",
    "identical": "≡",
    "not above ref_random": "○",
}
ARROWS = {"more": "↑", "less": "↓", "": ""}
NO_VALUE = "·"
GAP = "  "
NARROWEST = 10
"""A column's header is broken at underscores into lines of at least so many characters."""


@dataclass(frozen=True)
class Column:
    """A column ready to be written.

    Attributes:
        head: lines of its header.
        cells: one a series.
    """

    head: list[str]
    cells: list[str]

    @property
    def width(self) -> int:
        """The widest line."""
        return max(map(len, [*self.head, *self.cells]))


def table(summary: Summary, width: int = 100) -> str:
    """The evaluation as text, each line at most `width` wide.

    A cell is the mean, half the width of its interval, and the mark of its verdict. Metrics that
    do not fit beside each other go into further tables below; reference maps stand under a rule.
    Layers and methods that are too long lose their middle.

    Args:
        summary: what is shown.
        width: in characters; below 50 a line may be wider.
    """
    if not summary.series:
        return "No map was measured.\n"
    heads = [
        _names("layer", [one.series.layer for one in summary.series], width // 5),
        _names("method", [one.series.label for one in summary.series], width // 4),
    ]
    columns = [_column(facts, summary.series) for facts in summary.metrics]
    tables = [
        "\n".join(_lines([*heads, *some], summary.series))
        for some in _broken(columns, width - sum(one.width + len(GAP) for one in heads))
    ]
    return "\n\n".join([*tables, *_legend(summary, width)]) + "\n"


def shortened(text: str, width: int) -> str:
    """The text without as much of its middle as is too much."""
    if len(text) <= width:
        return text
    end = (width - 1) // 2
    return f"{text[: width - 1 - end]}…{text[len(text) - end :]}"


def _names(head: str, names: Sequence[str], width: int) -> Column:
    return Column([head], [shortened(name, max(width, NARROWEST)) for name in names])


def _column(facts: MetricFacts, series: Sequence[SeriesSummary]) -> Column:
    cells = [_cell(one.cells[facts.name]) for one in series]
    sign = " ".join(filter(None, [ARROWS[facts.better], facts.unit]))
    parts = re.findall(r"[^_]*_?", facts.name)[:-1]
    if sign:
        parts[-1] += f" {sign}"
    head = [parts[0]]
    room = max(NARROWEST, *map(len, [*cells, *parts]))
    for part in parts[1:]:
        if len(head[-1]) + len(part) <= room:
            head[-1] += part
        else:
            head.append(part)
    return Column(head, cells)


def _cell(cell: Cell) -> str:
    """The mean and its mark, which has a place of its own so that numbers stand in line."""
    mark = MARKS["not above ref_random"] if cell.above_random is False else " "
    if cell.against:
        mark = MARKS[cell.against.verdict]
    return f"{mean_of(cell.mean) or NO_VALUE} {mark}"


def _broken(columns: Sequence[Column], room: int) -> list[list[Column]]:
    """As many columns beside each other as there is room for, at least one."""
    found: list[list[Column]] = [[]]
    taken = -len(GAP)
    for column in columns:
        taken += len(GAP) + column.width
        if found[-1] and taken > room:
            found.append([])
            taken = column.width
        found[-1].append(column)
    return found


def _lines(columns: Sequence[Column], series: Sequence[SeriesSummary]) -> list[str]:
    """Header, methods and, each under a rule, references."""
    height = max(len(column.head) for column in columns)
    heads = [[*[""] * (height - len(column.head)), *column.head] for column in columns]
    lines = [_line(columns, [head[i] for head in heads]) for i in range(height)]
    rule = "─" * (sum(column.width + len(GAP) for column in columns) - len(GAP))
    for _, places in groupby(range(len(series)), lambda i: is_reference(series[i].series)):
        lines += [rule, *(_line(columns, [one.cells[i] for one in columns]) for i in places)]
    return lines


def _line(columns: Sequence[Column], texts: Sequence[str]) -> str:
    """Names to the left, numbers to the right."""
    padded = [
        text.rjust(column.width) if i > 1 else text.ljust(column.width)
        for i, (column, text) in enumerate(zip(columns, texts, strict=True))
    ]
    return GAP.join(padded).rstrip()


def _legend(summary: Summary, width: int) -> list[str]:
    words = ["↑ more is better, ↓ less is better", "± half the 95 % interval over images"]
    if summary.against:
        words.append(
            f"against {summary.against}: + better, − worse, = no difference shown, ≡ identical maps"
        )
    words += ["○ not shown to be above ref_random", f"{NO_VALUE} no value"]
    return ["\n".join(textwrap.wrap("; ".join(words) + ".", width, break_on_hyphens=False))]
