"""Whether values read from a file have the types of a dataclass's fields."""

import dataclasses
from collections.abc import Mapping
from types import NoneType, UnionType
from typing import Any, get_args, get_origin, get_type_hints

Types = tuple[frozenset[type], frozenset[type]]
"""Types that a value may have, and those of its items if it is a list or a mapping; none: any."""

_WORDS = {
    bool: "true or false",
    dict: "a mapping",
    float: "a number",
    int: "a whole number",
    list: "a list",
    str: "text",
    NoneType: "null",
}


def field_types(record: type) -> dict[str, Types]:
    """The types that JSON or YAML gives each field of a dataclass, read off its hints.

    Hints are those types, `list[X]`, `dict[str, X]`, another dataclass (a mapping), and unions.
    """
    found = {}
    for name, hint in get_type_hints(record).items():
        options = get_args(hint) if isinstance(hint, UnionType) else (hint,)
        items = [_plain_types(get_args(option)[-1]) for option in options if get_origin(option)]
        found[name] = _plain_types(hint), frozenset[type]().union(*items)
    return found


def check_types(values: Mapping[str, Any], types: Mapping[str, Types]) -> None:
    """Checks the values of some fields, as far as they are there; others pass.

    Raises:
        ValueError: at a value of another type than its field has.
    """
    for name, (own, items) in types.items():
        if name not in values:
            continue
        value = values[name]
        if type(value) not in own:
            raise ValueError(f"{name} is {value!r:.50}, not {_in_words(own)}")
        if value and items:
            inside = value.values() if type(value) is dict else value
            if not items.issuperset(map(type, inside)):
                raise ValueError(f"{name} holds {value!r:.50}, not only {_in_words(items)}")


def check_limits(values: Mapping[str, Any], limits: Mapping[str, tuple[int, int]]) -> None:
    """Checks that the numbers of some fields, as far as they are there, are in range.

    Args:
        values: numbers or None by field.
        limits: (least, first beyond) by field.

    Raises:
        ValueError: at one that is not; NaN never is.
    """
    for name, (low, high) in limits.items():
        value = values.get(name)
        if value is not None and not low <= value < high:
            raise ValueError(f"{name} is {value!r:.50}, not from {low} to less than {high}")


def _plain_types(hint: Any) -> frozenset[type]:
    if hint is Any:
        return frozenset()
    if hint is float:
        return frozenset({float, int})
    if isinstance(hint, UnionType):
        return frozenset[type]().union(*map(_plain_types, get_args(hint)))
    kind = get_origin(hint) or hint
    return frozenset({dict if dataclasses.is_dataclass(kind) else kind})


def _in_words(types: frozenset[type]) -> str:
    shown = types - {int} if float in types else types
    return " or ".join(sorted(_WORDS[kind] for kind in shown))
