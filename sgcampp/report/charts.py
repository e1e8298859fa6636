"""Charts as SVG, drawn without a library; their text is escaped, their looks are the page's style.

All are as wide as a telephone, so that their letters stay readable there; each stands beside a
table with the same numbers.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from markupsafe import Markup

from sgcampp.report.html import shown
from sgcampp.report.numbers import MARKS, ticks
from sgcampp.report.shapes import cut, marker, path, text, wrapped

if TYPE_CHECKING:
    from sgcampp.statistics.intervals import Interval

WIDTH, EDGE = 360, 14
"""Of a chart, and its free margin, in units of about a pixel."""
LETTERS = 45
"""That have room on a line, in a wide face."""


@dataclass(frozen=True)
class Difference:
    """One line of a forest plot."""

    layer: str
    label: str
    difference: "Interval"
    verdict: str


@dataclass(frozen=True)
class Curve:
    """One curve. `look` is a class of the style and its number a shape: "c3", "r0"."""

    label: str
    look: str
    points: "list[Interval]"


def forest(lines: Sequence[Difference], better: str, unit: str, title: str) -> Markup:
    """Differences with their intervals, one below the other, layer by layer, and the zero line.

    Args:
        lines: those of a layer together.
        better: "more" or "less".
        unit: of the metric.
        title: what the chart is, for who can't see it.
    """
    scale = _Scale(*_range([x for line in lines for x in _known(line.difference)]))
    drawn, y, layer = list[Markup](), 0.0, None
    for line in lines:
        if line.layer != layer:
            layer = line.layer
            drawn.append(text(EDGE, y + 18, cut(layer, LETTERS), "layer"))
            y += 24
        drawn.append(_difference(line, y, scale))
        y += _height(line)
    below = [_axis(scale, y + 6), _sides(better, unit, y + 42)]
    zero = path([(scale(0), 4), (scale(0), y + 6)], "zero")
    return _svg(Markup("").join([zero, *drawn, *below]), y + 50, title)


def curves(lines: Sequence[Curve], shares: Sequence[float], axis: str, title: str) -> Markup:
    """Mean probabilities against the share of pixels, with bands for their intervals.

    Args:
        lines: references first, so that they lie beneath.
        shares: of pixels, 0 to 1.
        axis: what the shares are of.
        title: what the chart is, for who can't see it.
    """
    plot = _Plot(max([x for line in lines for one in line.points for x in _known(one)] or [1.0]))
    bands = [plot.band(line, shares) for line in lines]
    drawn = [plot.line(line, shares) for line in lines]
    legend = [_entry(line, plot.bottom + 44 + 20 * i) for i, line in enumerate(reversed(lines))]
    inside = Markup("").join([*plot.grid(axis), *bands, *drawn, *legend])
    return _svg(inside, plot.bottom + 44 + 20 * len(lines), title)


@dataclass(frozen=True)
class _Scale:
    low: float
    high: float

    def __call__(self, value: float) -> float:
        share = (value - self.low) / (self.high - self.low)
        return EDGE + share * (WIDTH - 2 * EDGE)


def _range(values: list[float]) -> tuple[float, float]:
    """Of an axis that holds the values and 0, with some air."""
    low, high = min([0.0, *values]), max([0.0, *values])
    air = 0.05 * (high - low) or 1.0
    return low - air, high + air


def _known(one: "Interval") -> list[float]:
    return [x for x in (one.estimate, one.low, one.high) if x is not None]


def _words(line: Difference) -> str:
    reason = line.difference.reason if line.difference.estimate is None else None
    return f"{MARKS.get(line.verdict, '')} {reason or line.verdict}"


def _is_short(line: Difference) -> bool:
    """Whether label and verdict have room beside each other."""
    return len(shown(line.label)) + len(_words(line)) <= LETTERS - 4


def _height(line: Difference) -> float:
    return 38 if _is_short(line) else 54


def _difference(line: Difference, y: float, scale: _Scale) -> Markup:
    one, look = line.difference, line.verdict.replace(" ", "-")
    label = text(EDGE, y + 14, cut(line.label, LETTERS))
    verdict = text(WIDTH - EDGE, y + _height(line) - 24, _words(line), f"quiet end {look}")
    middle = y + _height(line) - 13
    drawn = [label, verdict]
    if one.low is not None and one.high is not None:
        ends = [path([(scale(x), middle - 4), (scale(x), middle + 4)]) for x in (one.low, one.high)]
        drawn += [path([(scale(one.low), middle), (scale(one.high), middle)]), *ends]
    if one.estimate is not None:
        drawn.append(marker(_SHAPES.get(line.verdict, 0), scale(one.estimate), middle, 5))
    return wrapped(Markup("").join(drawn), f"difference {look}")


_SHAPES = {"better": 2, "worse": 4, "no difference shown": 0, "identical": 1}
_SHAPES["not above ref_random"] = 5


def _axis(scale: _Scale, y: float) -> Markup:
    drawn = [path([(EDGE, y), (WIDTH - EDGE, y)], "axis")]
    for value, words in ticks(scale.low, scale.high):
        drawn.append(path([(scale(value), y), (scale(value), y + 4)], "axis"))
        drawn.append(text(scale(value), y + 17, words, "quiet middle"))
    return Markup("").join(drawn)


def _sides(better: str, unit: str, y: float) -> Markup:
    left, right = ("← worse", "better →") if better == "more" else ("← better", "worse →")
    middle = text(WIDTH / 2, y, "points" if unit == "%" else unit, "quiet middle")
    return text(EDGE, y, left, "side") + middle + text(WIDTH - EDGE, y, right, "side end")


class _Plot:
    """The frame of curves: places of shares and probabilities."""

    left, right, top, bottom = 38.0, float(WIDTH - EDGE), 26.0, 222.0

    def __init__(self, most: float) -> None:
        self.most = most * 1.04 or 1.0

    def at(self, share: float, value: float) -> tuple[float, float]:
        x = self.left + share * (self.right - self.left)
        return x, self.bottom - value / self.most * (self.bottom - self.top)

    def grid(self, axis: str) -> Iterator[Markup]:
        yield text(EDGE, 16, "mean probability", "quiet")
        for value, words in ticks(0, self.most):
            x, y = self.at(0, value)
            yield path([(x, y), (self.right, y)], "grid")
            yield text(x - 5, y + 4, words, "quiet end")
        for percent in range(0, 101, 20):
            x, y = self.at(percent / 100, 0)
            yield path([(x, y), (x, y + 4)], "axis")
            yield text(x, y + 16, str(percent), "quiet middle")
        yield text((self.left + self.right) / 2, self.bottom + 31, axis, "quiet middle")

    def band(self, curve: Curve, shares: Sequence[float]) -> Markup:
        known = [(s, p.low, p.high) for s, p in zip(shares, curve.points, strict=True)]
        whole = [(s, low, high) for s, low, high in known if low is not None and high is not None]
        upper = [self.at(s, high) for s, _, high in whole]
        lower = [self.at(s, low) for s, low, _ in reversed(whole)]
        return path([*upper, *lower], f"band {curve.look}") if whole else Markup("")

    def line(self, curve: Curve, shares: Sequence[float]) -> Markup:
        known = [
            self.at(s, p.estimate)
            for s, p in zip(shares, curve.points, strict=True)
            if p.estimate is not None
        ]
        # Marks of two curves stand at different places, so that both are seen where they meet.
        every = max(1, len(known) // 5)
        marks = [marker(_shape(curve), *at, 3.4) for at in known[_shape(curve) % every :: every]]
        return wrapped(path(known) + Markup("").join(marks), f"curve {curve.look}")


def _shape(curve: Curve) -> int:
    return int(curve.look[1:])


def _entry(curve: Curve, y: float) -> Markup:
    sample = path([(EDGE, y), (EDGE + 34, y)]) + marker(_shape(curve), EDGE + 17, y, 3.4)
    label = text(EDGE + 42, y + 4, cut(curve.label, LETTERS - 2), "small")
    return wrapped(sample, f"curve {curve.look}") + label


def _svg(inside: Markup, height: float, title: str) -> Markup:
    head = '<svg role="img" aria-label="{}" viewBox="0 0 {} {}" class="chart">{}</svg>'
    return Markup(head).format(shown(title), WIDTH, round(height), inside)
