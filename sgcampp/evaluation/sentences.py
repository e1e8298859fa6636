"""What an evaluation shows, in plain words for who wants to know which maps to trust."""

from collections.abc import Iterator
from itertools import chain
from statistics import median

from sgcampp.evaluation.gathering import is_reference
from sgcampp.evaluation.numerals import counted, listed, mean_of
from sgcampp.evaluation.rows import Series
from sgcampp.evaluation.summary import Compared, MetricFacts, SeriesSummary, Summary
from sgcampp.statistics.digits import decimals_of, fixed
from sgcampp.statistics.verdicts import Verdict

MOST = 12
"""Sentences; what does not fit is counted in the last of the verdicts."""

DROP_FAMILY = ("average_drop", "average_increase", "average_gain", "win", "adcc")
AGREEING = 0.5

Judged = list[tuple[MetricFacts, Compared]]


def sentences(summary: Summary, asked: str | None = None) -> list[str]:
    """Verdicts, the most important first, then what to bear in mind.

    Differences that are shown come first, of the series with most of them; then maps that are one
    map, metrics in which a method is not above random maps, and differences that are not shown.

    Args:
        summary: without its sentences.
        asked: the method that a comparison was asked with.
    """
    before, after = list(_before(summary, asked)), list(_after(summary))
    kinds = [[*kind(summary)] for kind in (_shown, _identical, _not_above_random, _not_shown)]
    room = MOST - len(before) - len(after)
    if sum(map(len, kinds)) > room:
        kinds = _fitted(kinds, room - 1)
    return [*before, *chain.from_iterable(kinds), *after]


def _fitted(kinds: list[list[str]], room: int) -> list[list[str]]:
    """As many of each kind as fit, with room for at least one of each later kind."""
    fitted, more = [], 0
    for i, kind in enumerate(kinds):
        later = sum(bool(other) for other in kinds[i + 1 :])
        fitted.append(kind[: max(1, room - later)])
        room -= len(fitted[-1])
        more += len(kind) - len(fitted[-1])
    return [*fitted, [f"The table has more: {counted(more, 'finding')} like these."]]


def _before(summary: Summary, asked: str | None) -> Iterator[str]:
    if not summary.series:
        yield "No map was measured."
    elif asked is not None and summary.against is None:
        yield f"There is no map of {asked}, so nothing is compared with it."
    if summary.series and summary.images == 1:
        yield "There is one image: it shows no difference, and no mean has an interval."


def _judged(one: SeriesSummary, summary: Summary, word: Verdict) -> Judged:
    """The metrics in which a series has that verdict."""
    cells = ((facts, one.cells[facts.name].against) for facts in summary.metrics)
    return [(facts, compared) for facts, compared in cells if compared and compared.verdict == word]


def _shown(summary: Summary) -> list[str]:
    """What is better or worse; the series with most such metrics first."""
    found = []
    words: tuple[Verdict, ...] = ("worse", "better")
    for word in words:
        for one in summary.series:
            judged = _judged(one, summary, word)
            if judged:
                who, other = one.series.label, judged[0][1].other.label
                text = (
                    f"At {one.series.layer} {who} is {word} than {other} in {_differences(judged)}."
                )
                found.append((-len(judged), text))
    found.sort(key=lambda pair: pair[0])  # stable: worse first, then in the table's order
    return [text for _, text in found]


def _differences(judged: Judged) -> str:
    """`energy (+0.12 ± 0.03, 67 images)`; the images once if all have as many."""
    images = [counted(compared.comparison.difference.images, "image") for _, compared in judged]
    same = len(set(images)) == 1
    told = [
        f"{facts.name} ({mean_of(compared.comparison.difference, '+', ' ')}"
        f"{' points' * (facts.unit == '%')}{f', {of}' * (i == 0 or not same)})"
        for i, ((facts, compared), of) in enumerate(zip(judged, images, strict=True))
    ]
    return listed(told)


def _identical(summary: Summary) -> Iterator[str]:
    """One sentence for each two methods, with all layers."""
    layers: dict[tuple[str, str], list[str]] = {}
    for one in summary.series:
        judged = _judged(one, summary, "identical")
        if judged:
            pair = one.series.label, judged[0][1].other.label
            layers.setdefault(pair, []).append(one.series.layer)
    for (who, other), at in layers.items():
        yield (
            f"identical: noise cannot change the maps at {listed(at)} (the class score is affine "
            f"in them), so {who} and {other} are one method there and nothing is tested."
        )


def _not_above_random(summary: Summary) -> Iterator[str]:
    """One sentence for all methods of a layer that fail in the same metrics."""
    who: dict[tuple[str, tuple[str, ...]], list[Series]] = {}
    for one in summary.series:
        names = [facts.name for facts in summary.metrics]
        failed = tuple(name for name in names if one.cells[name].above_random is False)
        if failed:
            who.setdefault((one.series.layer, failed), []).append(one.series)
    for (layer, failed), series in sorted(who.items(), key=lambda item: -len(item[0][1])):
        labels = [one.label for one in series]
        verb = "are" if len(labels) > 1 else "is"
        yield (
            f"At {layer} {listed(labels)} {verb} not shown to be above random maps in "
            f"{listed(failed)}."
        )


def _not_shown(summary: Summary) -> Iterator[str]:
    for one in summary.series:
        judged = _judged(one, summary, "no difference shown")
        if judged:
            names = listed([facts.name for facts, _ in judged])
            other = judged[0][1].other.label
            yield (
                f"At {one.series.layer} no difference of {one.series.label} from {other} is shown "
                f"in {names}{_could_have(judged)}."
            )


def _could_have(judged: Judged) -> str:
    """`; 67 images would have shown 1.2 points or more in average_drop`, where it can be told."""
    smallest: dict[int, list[str]] = {}
    for facts, compared in judged:
        least = compared.comparison.smallest
        if least is not None:
            told = smallest.setdefault(compared.comparison.difference.images, [])
            size = fixed(least, decimals_of(least, 2)) + " points" * (facts.unit == "%")
            told.append(f"{size}{' or more' * (not told)} in {facts.name}")
    parts = [f"{n:,} images would have shown {listed(of)}" for n, of in smallest.items()]
    return f"; {'; '.join(parts)}" if parts else ""


def _after(summary: Summary) -> Iterator[str]:
    names = {facts.name for facts in summary.metrics}
    family = [name for name in DROP_FAMILY if name in names]
    if family:
        yield (
            f"Read {listed(family)} with care: a map of all ones (ref_ones) hides nothing, so its "
            "drop is 0, the best there is, and it explains nothing."
        )
    rho = _agreement(summary)
    if rho is not None and rho < AGREEING:
        yield (
            f"The metrics disagree on which maps are good (the median rank correlation of two of "
            f"them is {fixed(rho, 2)}): no single one of them decides."
        )
    yield from _missing(summary)


def _agreement(summary: Summary) -> float | None:
    """The median Spearman of two metrics that have a direction.

    Signs are turned so that more is better: metrics that contradict each other do not agree.
    """
    signs = [{"more": 1, "less": -1}.get(facts.better, 0) for facts in summary.metrics]
    found = [
        value * signs[i] * signs[j]
        for i, row in enumerate(summary.spearman)
        for j, value in enumerate(row[:i])
        if value is not None and signs[i] and signs[j]
    ]
    return median(found) if found else None


def _missing(summary: Summary) -> Iterator[str]:
    methods = [one for one in summary.series if not is_reference(one.series)]
    flat, maps = sum(one.flat for one in methods), sum(one.maps for one in methods)
    parts = [f"{counted(flat, 'map')} of {maps:,} flat (all zeros, and counted so)"] * bool(flat)
    for what, reasons in (("left out", summary.left_out), ("failed", summary.failed)):
        if reasons:
            told = ", ".join(f"{reason}: {n:,}" for reason, n in reasons.items())
            parts.append(f"{counted(sum(reasons.values()), 'map')} {what} ({told})")
    if parts:
        yield f"Of the maps: {'; '.join(parts)}."
