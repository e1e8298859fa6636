"""How a run is told: a bar on a terminal, plain lines elsewhere; results on stdout."""

import json
import sys
import time

import click
from tqdm import tqdm

from sgcampp.files.rows import OK, Row, to_line

SECONDS_BETWEEN_LINES = 10


class Progress:
    """Tells of a run on stderr, and prints one result an image on stdout.

    Args:
        as_json: print manifest rows, not lines for people.
    """

    def __init__(self, as_json: bool) -> None:
        self._json = as_json
        self._bar: tqdm | None = None
        self._total = self._done = self._failed = self._skipped = 0
        self._begin = self._said = time.monotonic()

    def note(self, sentence: str) -> None:
        """Something to know, said once."""
        self._say(f"sgcampp: {sentence}")

    def start(self, total: int) -> None:
        """The listing is known."""
        self._total = total
        self._begin = self._said = time.monotonic()
        if sys.stderr.isatty():
            self._bar = tqdm(total=total, unit="image", smoothing=0.1)

    def skip(self) -> None:
        """One image was dealt with by an earlier run."""
        self._skipped += 1
        if self._bar is not None:
            self._bar.update()

    def finish(self, row: Row) -> None:
        """One image is done or has failed."""
        self._done += 1
        if row.status != OK:
            self._failed += 1
            self._say(f"sgcampp: {printable(row.key)}: {row.error} ({row.reason})")
        with tqdm.external_write_mode(file=sys.stdout):
            if self._json:
                sys.stdout.write(to_line(row).decode("ascii"))
            elif row.status == OK:
                sys.stdout.writelines(f"{line}\n" for line in _lines(row))
        if self._bar is not None:
            self._bar.update()
        elif time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            rate = self._done / (self._said - self._begin)
            failed = f", {self._failed} failed" if self._failed else ""
            done = self._skipped + self._done
            self._say(f"sgcampp: {done} of {self._total} images{failed}, {rate:.2g} a second")

    def close(self) -> None:
        """Ends the bar."""
        if self._bar is not None:
            self._bar.close()

    def _say(self, line: str) -> None:
        with tqdm.external_write_mode(file=sys.stderr):
            click.echo(line, err=True)


def _lines(row: Row) -> list[str]:
    """One line a map: key, class, probability, and where to look."""
    lines = []
    for record in row.maps:
        likely = "" if record.probability is None else f"{record.probability:.3f}"
        where = record.files.get("overlays") or next(iter(record.files.values()), "")
        parts = (row.key, record.class_name or "", likely, where)
        lines.append("\t".join(printable(part) for part in parts))
    return lines


def printable(name: str) -> str:
    """A name on one line of UTF-8, whatever bytes it has."""
    if name.isprintable():
        return name
    return json.dumps(name)
