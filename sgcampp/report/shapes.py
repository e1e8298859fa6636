"""The few elements of SVG that charts are made of; text is escaped here."""

from collections.abc import Iterable

from markupsafe import Markup

from sgcampp.report.html import shown

Point = tuple[float, float]

_CIRCLE = ((-0.4, -0.9), (0.4, -0.9), (0.9, -0.4), (0.9, 0.4))
_CROSS = ((-1, -0.6), (-0.6, -1), (0, -0.4), (0.6, -1), (1, -0.6), (0.4, 0))
_OUTLINES: tuple[tuple[Point, ...], ...] = (
    (*_CIRCLE, *((-x, -y) for x, y in _CIRCLE)),
    ((-0.85, -0.85), (0.85, -0.85), (0.85, 0.85), (-0.85, 0.85)),
    ((0, -1.1), (1.05, 0.8), (-1.05, 0.8)),
    ((0, -1.2), (1.2, 0), (0, 1.2), (-1.2, 0)),
    ((0, 1.1), (1.05, -0.8), (-1.05, -0.8)),
    (*_CROSS, *((-x, -y) for x, y in _CROSS)),
)
"""Nearly a circle, a square, a triangle, a diamond, a triangle on its point, a cross."""


def marker(shape: int, x: float, y: float, size: float) -> Markup:
    """A closed outline around a point; shapes repeat after six."""
    outline = _OUTLINES[shape % len(_OUTLINES)]
    return Markup('<path class="mark" d="{}Z"/>').format(
        _steps((x + size * dx, y + size * dy) for dx, dy in outline)
    )


def path(points: Iterable[Point], look: str = "") -> Markup:
    """A line through points; nothing for none."""
    steps = _steps(points)
    return Markup('<path class="{}" d="{}"/>').format(look, steps) if steps else Markup("")


def text(x: float, y: float, words: str, look: str = "") -> Markup:
    """Words whose baseline begins at a point; `end` and `middle` in the look place it otherwise."""
    element = '<text class="{}" x="{}" y="{}">{}</text>' if words else ""
    return Markup(element).format(look, _short(x), _short(y), shown(words))


def wrapped(inside: Markup, look: str) -> Markup:
    """A group."""
    return Markup('<g class="{}">{}</g>').format(look, inside)


def cut(words: str, most: int) -> str:
    """Words on one line that take at most so many letters, their middle left out."""
    words = shown(words)
    if len(words) <= most:
        return words
    end = most // 2
    return f"{words[: most - end - 1]}…{words[-end:]}"


def _steps(points: Iterable[Point]) -> str:
    pairs = (f"{_short(x)} {_short(y)}" for x, y in points)
    joined = "L".join(pairs)
    return f"M{joined}" if joined else ""


def _short(value: float) -> str:
    return f"{value:.1f}".removesuffix(".0")
