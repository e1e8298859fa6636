"""Requests to stores elsewhere: tried again while there is hope, and failing as a disk would."""

import errno
import random
import time
from collections.abc import Callable
from typing import ParamSpec, TypeVar

from sgcampp.storage.store import Unreachable
from sgcampp.storage.urls import redacted

TRIES = 3
"""The file systems themselves try a few times too."""
FIRST_WAIT, GROWTH = 0.3, 4.0

_FOR_GOOD: tuple[tuple[type[OSError], int], ...] = (
    (FileNotFoundError, errno.ENOENT),
    (IsADirectoryError, errno.EISDIR),
    (NotADirectoryError, errno.ENOTDIR),
    (PermissionError, errno.EACCES),
    (FileExistsError, errno.EEXIST),
)
"""What another try would not change."""

Arguments = ParamSpec("Arguments")
Answer = TypeVar("Answer")


def asked(
    function: Callable[Arguments, Answer], *given: Arguments.args, **named: Arguments.kwargs
) -> Answer:
    """Calls a method of a file system; an answer that may come later is waited for.

    Raises:
        OSError: with the errno of what is wrong for good.
        Unreachable: when the last try failed too.
    """
    wait = FIRST_WAIT
    for left in reversed(range(TRIES)):
        try:
            return function(*given, **named)
        except tuple(kind for kind, _ in _FOR_GOOD) as error:
            number = next(number for kind, number in _FOR_GOOD if isinstance(error, kind))
            raise OSError(number, redacted(_said(error))) from error
        except Exception as error:  # file systems raise whatever their services' libraries do
            if not left:
                raise Unreachable(errno.EIO, redacted(_said(error))) from error
        time.sleep(wait * random.uniform(0.5, 1.0))
        wait *= GROWTH
    raise AssertionError("unreachable code")


def _said(error: Exception) -> str:
    """What an error says, on one line."""
    text = getattr(error, "strerror", None) or str(error) or type(error).__name__
    return " ".join(text.split())[:300]
