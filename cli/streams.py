"""The standard streams as the shell may have left them: closed, full, or without a reader."""

import json
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TextIO

import click

from sgcampp.errors import RunStopped

_SLICE = 1024
"""Characters a write. With PYTHONUNBUFFERED a longer one may be cut short without an error."""


class ReaderGone(Exception):
    """Whoever read stdout has what they wanted, as `head` has; the command ends quietly."""


def open_missing() -> None:
    """Puts /dev/null where the shell closed a stream (`>&-`).

    Else the next file that is opened would take its descriptor, and get what libraries print.
    """
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, Path(os.devnull).open(mode))  # noqa: SIM115 - for good


def print_lines(text: str) -> None:
    """Writes whole lines to stdout, at once.

    Raises:
        ReaderGone: if nobody reads it any more.
        RunStopped: if it can't be written, as on a full disk.
    """
    with _printing():
        for start in range(0, len(text), _SLICE):
            sys.stdout.write(text[start : start + _SLICE])
        sys.stdout.flush()


def print_bytes(data: bytes) -> None:
    """Writes bytes to stdout, whatever encoding it has; raises what `print_lines` does."""
    with _printing():
        left = memoryview(data)
        while left:
            left = left[sys.stdout.buffer.write(left) :]
        sys.stdout.buffer.flush()


@contextmanager
def _printing() -> Iterator[None]:
    try:
        yield
    except BrokenPipeError as error:
        silence(sys.stdout)
        raise ReaderGone from error
    except OSError as error:
        silence(sys.stdout)
        raise RunStopped(f"stdout can't be written: {error.strerror or error}") from error


def tell(sentence: str) -> None:
    """Writes a line to stderr; when that can't be written, nothing is worth stopping for."""
    try:
        click.echo(sentence, err=True)
    except OSError:
        silence(sys.stderr)


def silence(stream: TextIO) -> None:
    """Leads a stream to /dev/null, so that what it still holds can't fail again at exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, stream.fileno())
    os.close(null)


def printable(name: str) -> str:
    """A name on one line that stdout can take, whatever bytes it has; else as JSON."""
    if name.isprintable() and _is_encodable(name, sys.stdout.encoding or "utf-8"):
        return name
    return json.dumps(name)


def _is_encodable(name: str, encoding: str) -> bool:
    try:
        name.encode(encoding)
    except UnicodeEncodeError:
        return False
    return True
