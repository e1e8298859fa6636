"""What tells the maps of one image apart in the names of their files."""

import re
from collections.abc import Sequence
from typing import Any

from sgcampp.config.run_config import Asked
from sgcampp.engine.engine import Seen
from sgcampp.images.headers import is_image_name


def suffixes_of(asked: Sequence[Asked], seen: Sequence[Seen]) -> list[list[str]]:
    """Words for each look: its layer, method and settings, as far as the run has several.

    Args:
        asked: the looks of a run.
        seen: what the trace tells of each.

    Returns:
        Words of letters, digits, "_" and "-"; no two looks have the same ones.
    """
    at_layers = [not each.look.method.pixels for each in asked]
    layers = _words([s.layer for s, at in zip(seen, at_layers, strict=True) if at])
    several_methods = len({each.look.method.name for each in asked}) > 1
    across = {name: _words([each.across[name] for each in asked], name) for name in asked[0].across}
    return [
        ([layers[repr(s.layer)]] if at and len(layers) > 1 else [])
        + [each.look.method.name] * several_methods
        + [words[repr(each.across[name])] for name, words in across.items() if len(words) > 1]
        for each, s, at in zip(asked, seen, at_layers, strict=True)
    ]


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
