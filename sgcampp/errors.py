"""What the user did wrong, in one sentence each."""

import difflib
from collections.abc import Iterable


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
