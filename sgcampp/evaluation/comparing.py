"""Series held against another one at their layer, and against random maps."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np

from sgcampp.evaluation.evidence import Evidence, evidence_of, pooled_comparison
from sgcampp.evaluation.gathering import Grid, is_reference
from sgcampp.evaluation.rows import Series
from sgcampp.evaluation.summary import Compared
from sgcampp.metrics.catalogue import METRICS
from sgcampp.metrics.metric import Metric
from sgcampp.statistics.paired import Comparison, Direction, compare_means
from sgcampp.statistics.permutation import FLIPS
from sgcampp.statistics.verdicts import holm, verdict

RANDOM = "ref_random"

SMOOTHED = {"smooth_grad_cam_pp": "grad_cam_pp", "smooth_grad_cam": "grad_cam"}
"""Methods that are another one's mean under noise."""

FLIPS_A_TEST = 40
"""The least p is 1/(flips + 1); times the family it must stay below .05, with room to spare."""

FEWEST_SWAPS = 1_999
"""Of pooled metrics, of which each swap costs two whole evidences."""

Found = dict[tuple[Series, Series, str], Comparison]


@dataclass(frozen=True)
class Held:
    """What is said of one series in one metric: see `summary.Cell`."""

    against: Compared | None
    above_random: bool | None


def counterpart(series: Series, method: str | None, among: Iterable[Series]) -> Series | None:
    """The series of a method that another one is held against: at the same layer.

    With the same settings and filters, else without settings; then rather with the same filters,
    else the only one.
    """
    there = [one for one in among if (one.method, one.layer) == (method, series.layer)]
    for settings in (series.settings, "{}"):
        for one in there:
            if (one.settings, one.filters) == (settings, series.filters):
                return one
    without = [one for one in there if one.settings == "{}"]
    return without[0] if len(without) == 1 else None


def are_identical(first: Series, second: Series, grid: Grid) -> bool:
    """Whether one is the other's mean under noise, and noise could change no map that both have."""
    for smooth, plain in ((first, second), (second, first)):
        if SMOOTHED.get(smooth.method) == plain.method and smooth.filters == plain.filters:
            rows = {record.row for record in grid.records[plain]}
            shared = [record.identical for record in grid.records[smooth] if record.row in rows]
            return bool(shared) and all(shared)
    return False


def compare_all(grid: Grid, against: str | None, seed: int) -> dict[tuple[Series, str], Held]:
    """Holds every method against `against` and random maps, in each metric that has a direction.

    Holm's families are all comparisons with `against`, and all those with random maps.
    """
    names = [name for name in grid.metrics if name in METRICS and METRICS[name].better]
    methods = [one for one in grid.series if not is_reference(one)]
    others = {one: counterpart(one, against, grid.series) for one in methods}
    randoms = {one: counterpart(one, RANDOM, grid.series) for one in methods}
    wanted = [*others.items(), *randoms.items()]
    pairs = list(dict.fromkeys((a, b) for a, b in wanted if b is not None and a != b))
    found = _compare_pairs(grid, pairs, names, seed)
    above = _above_random(found, randoms, names)
    return _held(found, others, above, names)


def _above_random(
    found: Found, randoms: dict[Series, Series | None], names: list[str]
) -> dict[tuple[Series, str], bool]:
    """Whether a method is shown to be better than random maps, where both have a value."""
    asked = [
        (one, name, found[one, other, name])
        for one, other in randoms.items()
        for name in names
        if other is not None and (one, other, name) in found
    ]
    adjusted = holm([comparison.p for *_, comparison in asked])
    return {
        (one, name): verdict(comparison.difference, p, _direction(name)) == "better"
        for (one, name, comparison), p in zip(asked, adjusted, strict=True)
    }


def _held(
    found: Found,
    others: dict[Series, Series | None],
    above: dict[tuple[Series, str], bool],
    names: list[str],
) -> dict[tuple[Series, str], Held]:
    places = [
        (one, other, name)
        for one, other in others.items()
        for name in names
        if other is not None and (one, other, name) in found
    ]
    adjusted = holm([found[place].p for place in places])
    held = {place: Held(None, is_above) for place, is_above in above.items()}
    for (one, other, name), p in zip(places, adjusted, strict=True):
        comparison = found[one, other, name]
        is_above = above.get((one, name))
        word = verdict(
            comparison.difference,
            p,
            _direction(name),
            comparison.identical,
            None if other.method == RANDOM else is_above,
        )
        held[one, name] = Held(Compared(other, comparison, p, word), is_above)
    return held


def _compare_pairs(
    grid: Grid, pairs: Sequence[tuple[Series, Series]], names: list[str], seed: int
) -> Found:
    """The comparisons of pairs that have a value in a row that both have."""
    family = len({one for one, _ in pairs}) * len(names)  # a method has one pair in each family
    least = FLIPS_A_TEST * family
    same = {pair: are_identical(*pair, grid) for pair in pairs}
    pooled = [name for name in names if METRICS[name].pool]
    plain = [name for name in names if name not in pooled]
    found = _compare_means(grid, same, plain, seed, max(FLIPS, least))
    for name in pooled:
        found |= _compare_pooled(grid, same, METRICS[name], seed, max(FEWEST_SWAPS, least))
    return found


def _compare_means(
    grid: Grid, same: dict[tuple[Series, Series], bool], names: list[str], seed: int, flips: int
) -> Found:
    """All pairs and metrics at once, so that they share the flips."""
    if not same or not names:
        return {}
    place = {one: s for s, one in enumerate(grid.series)}
    columns = [grid.metrics.index(name) for name in names]
    first, second = (
        np.hstack([grid.values[:, place[pair[i]]][:, columns] for pair in same]) for i in (0, 1)
    )
    compared = compare_means(
        first,
        second,
        [_direction(name) for _ in same for name in names],
        images=grid.images,
        identical=[is_same for is_same in same.values() for _ in names],
        yes_no=[METRICS[name].yes_no for _ in same for name in names],
        seed=seed,
        flips=flips,
        kind="student",
    )
    keys = [(*pair, name) for pair in same for name in names]
    every = zip(keys, compared, strict=True)
    return {key: comparison for key, comparison in every if comparison.difference.images}


def _compare_pooled(
    grid: Grid, same: dict[tuple[Series, Series], bool], metric: Metric, seed: int, flips: int
) -> Found:
    evidence: dict[Series, Evidence | None] = {
        one: evidence_of(grid, one, metric.name) for one in dict.fromkeys(sum(same, ()))
    }
    found = {}
    for (one, other), identical in same.items():
        first, second = evidence[one], evidence[other]
        if metric.pool and first and second:
            compared = pooled_comparison(metric.pool, first, second, identical, seed, flips)
            if compared:
                found[one, other, metric.name] = compared
    return found


def _direction(name: str) -> Direction:
    return "more" if METRICS[name].better == "more" else "less"
