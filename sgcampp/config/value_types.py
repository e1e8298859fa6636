"""What values the keys of a run config take, in YAML and as flags."""

import math
import re
from collections.abc import Callable, Collection
from dataclasses import dataclass
from typing import Any

from sgcampp.errors import is_whole

_PERCENT = re.compile(r"(\d+(\.\d+)?)%")

_TOP = re.compile(r"top\d+")


@dataclass(frozen=True)
class ValueType:
    """What values a key takes.

    Attributes:
        words: what is accepted, for errors and help; `values` follow it where they are few.
        from_text: a flag's text to the value that YAML would have given.
        check: whether a YAML value is of this kind.
        values: all of them, where they are few; of a registry, those that are in it by then.
        many: whether it is a list, whose flag may stand several times.
        bare: whether one item may stand for a list of it.
        joint: what stands between the values in words.
    """

    words: str
    from_text: Callable[[str], Any]
    check: Callable[[Any], bool]
    values: Collection[str] = ()
    many: bool = False
    bare: bool = False
    joint: str = ", "

    @property
    def accepted(self) -> str:
        """What is accepted, in words."""
        return self.words + self.joint.join(self.values)


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _is_top(value: Any) -> bool:
    return isinstance(value, str) and _TOP.fullmatch(value) is not None


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


def _some_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: bool(value) and _list_of(check)(value)


def _split(convert: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    return lambda text: [convert(item.strip()) for item in text.split(",") if item.strip()]


def _auto_or_whole(text: str) -> int | str:
    return text if text == "auto" else int(text)


def _whole_or_text(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


_SCAN_TYPES: dict[str, tuple[Callable[[str], Any], Callable[[Any], bool]]] = {
    "background": (str, _is_text),
    "images": (int, is_whole),
    "statistic": (str, _is_text),
    "tail": (str, _is_text),
    "alpha_max": (float, _is_number),
}


def _scan_setting(text: str) -> dict[str, Any]:
    name, equals, value = text.partition("=")
    name = name.strip().replace("-", "_")
    if not equals or name not in _SCAN_TYPES:
        raise ValueError(text)
    return {name: _SCAN_TYPES[name][0](value.strip())}


def _is_scan_settings(value: Any) -> bool:
    return isinstance(value, dict) and all(
        name in _SCAN_TYPES and _SCAN_TYPES[name][1](item) for name, item in value.items()
    )


TEXT = ValueType("text", str, _is_text)
FLAG = ValueType("true or false", str, lambda value: isinstance(value, bool))
WHOLE = ValueType("a whole number", int, is_whole)
NUMBER = ValueType("a finite number", float, _is_number)
BATCH = ValueType(
    "auto or a whole number", _auto_or_whole, lambda v: v == "auto" or (is_whole(v) and v >= 1)
)
FAILURES = ValueType(
    "a count like 100, or a share of the images like 5%",
    lambda text: text if text.endswith("%") else int(text),
    lambda v: (
        (is_whole(v) and v >= 0) or (isinstance(v, str) and _PERCENT.fullmatch(v) is not None)
    ),
)
TARGETS = ValueType(
    "argmax, top3, a class (its index, wnid or label), A-vs-B, several of these, p>0.2, label, "
    "or a .csv",
    _split(_whole_or_text),
    _some_of(lambda item: _is_text(item) or (is_whole(item) and item >= 0)),
    many=True,
    bare=True,
)
NAMES = ValueType(
    "names, [one, two] in YAML and one,two as a flag",
    _split(str),
    _some_of(_is_text),
    many=True,
    bare=True,
)
TEXTS = ValueType(
    "texts, [one, two] in YAML and one,two as a flag", _split(str), _list_of(_is_text), many=True
)
WHOLES = ValueType(
    "whole numbers, [10, 32, 3] in YAML and 10,32,3 as a flag",
    _split(int),
    _list_of(is_whole),
    many=True,
)
FILTERS = ValueType(
    "whole numbers, [10, 32, 3] in YAML and 10,32,3 as a flag, or top8: those that weigh most",
    lambda text: [text] if _TOP.fullmatch(text) else _split(int)(text),
    lambda value: _list_of(is_whole)(value) or (_list_of(_is_top)(value) and len(value) == 1),
    many=True,
    bare=True,
)
NUMBERS = ValueType(
    "numbers, [0.5, 1] in YAML and 0.5,1 as a flag", _split(float), _list_of(_is_number), many=True
)
PAIRS = ValueType(
    "[row, column] pairs, [[0, 10], [12, 12]] in YAML and '0,10 12,12' as a flag",
    lambda text: [_split(int)(pair) for pair in text.split()],
    _list_of(lambda v: _list_of(is_whole)(v) and len(v) == 2),
    many=True,
)


SCAN = ValueType(
    "settings of subset_scan: {background: photos, tail: both} in YAML and background=photos as a "
    f"flag; {', '.join(_SCAN_TYPES)}",
    _scan_setting,
    _is_scan_settings,
    many=True,
)


def one_of(values: Collection[str]) -> ValueType:
    """The type of a key that takes one of a few words."""
    return ValueType(
        "", str, lambda value: isinstance(value, str) and value in values, values, joint=" or "
    )


def some_of(values: Collection[str]) -> ValueType:
    """The type of a key that takes one of a few words, or a list of them."""
    return ValueType(
        "one or several of ",
        _split(str),
        _some_of(lambda v: isinstance(v, str) and v in values),
        values,
        many=True,
        bare=True,
    )


def values_of(types: dict[str, ValueType]) -> ValueType:
    """The type of a key that takes several values of each of some other keys."""

    def from_text(text: str) -> dict[str, list[Any]]:
        name, equals, values = text.partition("=")
        name = name.strip().replace("-", "_")
        if not equals or name not in types:
            raise ValueError(text)
        separator = ";" if types[name].many else ","
        return {name: [types[name].from_text(value.strip()) for value in values.split(separator)]}

    def check(value: Any) -> bool:
        return isinstance(value, dict) and all(
            name in types and _some_of(types[name].check)(values) for name, values in value.items()
        )

    return ValueType(
        f"values of {', '.join(types)}: {{nsamples: [0, 5, 50]}} in YAML and nsamples=0,5,50 as a "
        "flag",
        from_text,
        check,
        many=True,
    )
