"""What tells the maps of one image apart in the names of their files."""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sgcampp.config.run_config import Asked
from sgcampp.engine.results import Seen
from sgcampp.errors import UserError
from sgcampp.explain.looks import Look
from sgcampp.images.names import is_image_name


@dataclass(frozen=True)
class NamedLook:
    """A look of a run.

    Attributes:
        look: what is looked at.
        across: the values of the config's `across` keys that hold for it.
        words: what tells its files from those of the run's other looks: letters, digits, "_" and
            "-"; no two looks have the same ones.
    """

    look: Look
    across: dict[str, Any]
    words: tuple[str, ...]


def named_looks(asked: Sequence[Asked], seen: Mapping[Look, Seen]) -> list[NamedLook]:
    """Names looks by their layer, method and settings, as far as the run has several.

    Args:
        asked: the looks of a run.
        seen: what the trace tells of each.

    Raises:
        UserError: if one layer is asked for by several names, as its maps would share a file.
    """
    named = {each.look.layer_name: seen[each.look].layer for each in asked if _has_layer(each)}
    _refuse_twice(named)
    layers = _words(list(named.values()))
    several_methods = len({each.look.method.name for each in asked}) > 1
    across = {name: _words([each.across[name] for each in asked], name) for name in asked[0].across}

    def words(each: Asked) -> tuple[str, ...]:
        at_layer = _has_layer(each) and len(layers) > 1
        of_layer = [layers[repr(seen[each.look].layer)]] if at_layer else []
        of_method = [each.look.method.name] * several_methods
        of_keys = [of[repr(each.across[name])] for name, of in across.items() if len(of) > 1]
        return (*of_layer, *of_method, *of_keys)

    return [NamedLook(each.look, each.across, words(each)) for each in asked]


def _refuse_twice(named: Mapping[str | None, str]) -> None:
    """Raises UserError for a layer that is asked for by two names, {name: address}."""
    first: dict[str, str | None] = {}
    for name, address in named.items():
        if address in first:
            raise UserError(
                f"layer_name has {first[address]!r} and {name!r}, which are the same layer of this "
                f"model, {address!r}: leave one of them out"
            )
        first[address] = name


def _has_layer(asked: Asked) -> bool:
    return asked.look.method.at_layer


def _words(values: Sequence[Any], name: str = "") -> dict[str, str]:
    """A word for each different value, by its repr; numbered where they would be alike or odd."""
    words: dict[str, str] = {}
    for value in values:
        if repr(value) in words:
            continue
        plain = value if isinstance(value, (str, int, float)) else len(words) + 1
        word = re.sub(r"[^A-Za-z0-9_-]+", "_", f"{name}-{plain}" if name else str(plain)).strip("_")
        while not word or word in words.values() or is_image_name(f"a.{word}") or word == "img":
            word = f"{word}-{len(words) + 1}"
        words[repr(value)] = word
    return words
