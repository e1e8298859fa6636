"""Maps of one class, method and layer as points: what strategies are looked for in."""

import json
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from sgcampp.errors import UserError
from sgcampp.strategies.heat import Floats, heat_of, resized
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.rows import OK, MapRow, Row
from sgcampp.tree.words import class_words


@dataclass(frozen=True, order=True)
class Group:
    """Whose maps are compared with each other.

    Attributes:
        method: such as "smooth_grad_cam_pp".
        layer: its address.
        settings: of the run's `across` keys, as JSON; "{}" without any.
        filters: feature maps that the maps are bounded to; (): all.
        class_name: the class explained, or both classes of a contrast, in words.
        class_idx: its index; of a contrast that of the first.
    """

    method: str
    layer: str
    settings: str
    filters: tuple[int, ...]
    class_name: str
    class_idx: int


@dataclass(frozen=True)
class Member:
    """One image of a group. `picture`: of its map, below OUT; `probability`: of the class."""

    key: str
    picture: str | None
    probability: float | None


@dataclass(frozen=True, eq=False)
class GroupMaps:
    """The maps of a group.

    Attributes:
        group: whose.
        members: n images, by key.
        heat: float64 [n, h, w], each map scaled to the sum 1, h and w at most LARGEST_SIDE.
        flat: images whose map is all zeros, or which can't be read: they are left out.
    """

    group: Group
    members: list[Member]
    heat: Floats
    flat: int


@dataclass(frozen=True)
class Wanted:
    """Which groups are looked at. Each field by what it names, None: all."""

    class_: str | None = None
    method: str | None = None
    layer: str | None = None
    at_least: int = 20

    def takes(self, group: Group) -> bool:
        """Whether the group is one of them."""
        classes = {group.class_name, str(group.class_idx)}
        return (
            (self.class_ is None or self.class_ in classes)
            and self.method in {None, group.method}
            and self.layer in {None, group.layer}
        )


def group_maps(tree: OutputTree, wanted: Wanted) -> tuple[list[GroupMaps], Counter[Group]]:
    """The maps of every group that has enough images, and how many images the others have.

    Raises:
        UserError: for a tree without arrays, or if no map is wanted.
    """
    if "arrays" not in (tree.values.get("write") or []):
        raise UserError(
            f"{tree.store.shown()} has no arrays to compare: explain again with --write arrays"
        )
    with tree.index() as index:
        counts = Counter(group for row in index.rows() for group, _ in groups_of(row))
        if not any(map(wanted.takes, counts)):
            raise UserError(_nothing(tree, wanted, counts))
        few = {g: n for g, n in counts.items() if wanted.takes(g) and n < wanted.at_least}
        chosen = sorted(g for g in counts if wanted.takes(g) and g not in few)
        found = _read(tree, index.rows(), chosen)
    return [found[group] for group in chosen], Counter(few)


def groups_of(row: Row) -> Iterator[tuple[Group, MapRow]]:
    """The maps of an image that belong to a group, each with it; none for one that failed."""
    for one in row.maps if row.status == OK else []:
        group = group_of(one)
        if group is not None:
            yield group, one


def group_of(one: MapRow) -> Group | None:
    """The group of a map; None for one without method or class."""
    if one.method is None or one.class_idx is None:
        return None
    name = class_words(
        one.class_idx, one.class_name, one.against_idx, one.against_name, numbered=False
    )
    settings = json.dumps(one.across or {}, sort_keys=True)
    return Group(
        one.method, one.layer or "", settings, tuple(one.filters or ()), name, one.class_idx
    )


def _read(tree: OutputTree, rows: Iterator[Row], chosen: list[Group]) -> dict[Group, GroupMaps]:
    """The maps of groups, in the order of keys."""
    members: dict[Group, list[tuple[Member, Floats]]] = {group: [] for group in chosen}
    flat: Counter[Group] = Counter()
    for row in rows:
        for group, one in groups_of(row):
            if group in members:
                heat = _heat(tree, one)
                if heat is None:
                    flat[group] += 1
                    continue
                picture = one.files.get("overlays") or one.files.get("heatmaps")
                members[group].append((Member(row.key, picture, one.probability), heat))
    return {group: _joined(group, found, flat[group]) for group, found in members.items()}


def _joined(group: Group, found: list[tuple[Member, Floats]], flat: int) -> GroupMaps:
    found.sort(key=lambda pair: pair[0].key)
    shape = Counter(heat.shape for _, heat in found).most_common(1)
    size = shape[0][0] if shape else (1, 1)
    heat = [resized(one, (size[0], size[1])) for _, one in found]
    return GroupMaps(
        group, [one for one, _ in found], np.array(heat).reshape(-1, size[0], size[1]), flat
    )


def _heat(tree: OutputTree, map_row: MapRow) -> Floats | None:
    """A map made comparable; None for one without heat, or which can't be read."""
    try:
        return heat_of(tree.array(map_row))
    except (KeyError, OSError, ValueError):
        return None


def _nothing(tree: OutputTree, wanted: Wanted, counts: Counter[Group]) -> str:
    if not counts:
        return f"{tree.store.shown()} has no map to compare"
    for name, value, known in (
        ("class", wanted.class_, {g.class_name for g in counts}),
        ("method", wanted.method, {g.method for g in counts}),
        ("layer", wanted.layer, {g.layer for g in counts}),
    ):
        if value is not None and value not in known:
            shown = ", ".join(sorted(known)[:5])
            more = "" if len(known) <= 5 else f" and {len(known) - 5} more"
            return f"{tree.store.shown()} has no maps of the {name} {value!r}: it has {shown}{more}"
    return f"{tree.store.shown()} has no maps of that class, method and layer together"
