"""What the user did wrong, in one sentence each."""

import difflib
from collections.abc import Iterable
from numbers import Integral
from typing import Any


class UserError(ValueError):
    """Bad input: what was wrong, where, and what is accepted, in one sentence.

    The command line prints it on stderr without a traceback and exits with 2.
    """


class RunStopped(Exception):
    """The machine or a limit stopped the run; what is written is whole, and a resume goes on.

    The command line prints it as one sentence and exits with 3.
    """


def nearest(word: str, known: Iterable[str], count: int = 3) -> str:
    """Returns "; did you mean 'a' or 'b'?" for the known words nearest to `word`, or ""."""
    by_lower = {name.lower(): name for name in known}
    close = difflib.get_close_matches(word.lower(), by_lower, n=count, cutoff=0.55)
    if not close:
        return ""
    return "; did you mean " + " or ".join(repr(by_lower[name]) for name in close) + "?"


def is_whole(value: Any) -> bool:
    """Whether a value is a whole number, NumPy's included; True and False are none."""
    return isinstance(value, Integral) and not isinstance(value, bool)


def check_whole(name: str, value: Any, low: int, high: int, limits: str) -> None:
    """Raises UserError unless low <= value <= high, a whole number.

    Args:
        name: of the setting.
        value: what the user gave.
        low: the least that is accepted.
        high: the greatest.
        limits: both as a person writes them, such as "from 0 to 10^6".
    """
    if not is_whole(value) or not low <= value <= high:
        raise UserError(f"{name} is {value!r:.50}, accepted: a whole number {limits}")
