"""How a run is told: a bar on a terminal, plain lines elsewhere; results on stdout."""

import sys
import time

from tqdm import tqdm

from sgcampp.run.summary import Summary
from sgcampp.tree.rows import OK, MapRow, Row, to_line
from sgcampp.tree.words import class_words

from .streams import print_lines, printable, silence, tell

SECONDS_BETWEEN_LINES = 10


class Progress:
    """Tells of a run on stderr, and prints one result an image on stdout.

    Args:
        as_json: print manifest rows, not lines for people.
        quiet: print no lines for people, and no progress; failures are told all the same.
    """

    def __init__(self, as_json: bool, quiet: bool = False) -> None:
        self._json, self._quiet = as_json, quiet
        self._bar: tqdm | None = None
        self._summary = Summary()
        self._begin = self._said = time.monotonic()

    def note(self, sentence: str) -> None:
        """Something to know, said once."""
        if not self._quiet:
            self._say(f"sgcampp: {sentence}")

    def start(self, summary: Summary) -> None:
        """The listing is known; the summary goes on counting."""
        self._summary = summary
        self._begin = self._said = time.monotonic()
        if sys.stderr.isatty() and not self._quiet:
            self._bar = tqdm(total=summary.total, unit="image", smoothing=0.1)

    def skip(self) -> None:
        """One image was dealt with by an earlier run."""
        self._draw("update")

    def finish(self, row: Row) -> None:
        """One image is done or has failed."""
        if row.status != OK:
            self._say(f"sgcampp: {printable(row.key)}: {row.error} ({row.reason})")
        if self._json:
            self._print(to_line(row).decode("ascii"))
        elif row.status == OK and not self._quiet:
            lines = [_line(row)] if sys.stdout.isatty() else _lines(row)
            self._print("".join(f"{line}\n" for line in lines))
        self._draw("update")
        if self._bar or self._quiet:
            return
        if time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            self._say(f"sgcampp: {_sentence(self._summary, self._said - self._begin)}")

    def close(self) -> None:
        """Ends the bar."""
        self._draw("close")

    def _print(self, text: str) -> None:
        self._draw("clear")
        print_lines(text)
        self._draw("refresh")

    def _say(self, line: str) -> None:
        self._draw("clear")
        tell(line)
        self._draw("refresh")

    def _draw(self, step: str) -> None:
        """Calls the bar, if there is one; a terminal that has gone stops nothing."""
        try:
            getattr(self._bar, step, lambda: None)()
        except OSError:
            silence(sys.stderr)


def _sentence(summary: Summary, seconds: float) -> str:
    """How far a run has come."""
    rate = (summary.explained + summary.failed) / seconds
    failed = f", {summary.failed} failed" if summary.failed else ""
    return f"{summary.done} of {summary.total} images{failed}, {a_second(rate)}"


def a_second(rate: float) -> str:
    """A rate in two digits, never as a power of ten."""
    return f"{float(f'{rate:.2g}'):.10g} a second"


def _line(row: Row) -> str:
    """An image on one line, for a terminal: its first map, and how many more there are."""
    first, *others = _lines(row)
    return f"{first}\tand {len(others)} more" if others else first


def _lines(row: Row) -> list[str]:
    """A line a map, none twice: key, class, probability, and where to look."""
    if not row.maps:
        return ["\t".join(map(printable, (row.key, row.note or "", "", "")))]
    lines = (map(printable, _parts(row, map_row)) for map_row in row.maps)
    return list(dict.fromkeys("\t".join(parts) for parts in lines))


def _parts(row: Row, of: MapRow) -> tuple[str, str, str, str]:
    """Image, class, probability, picture; of a scan image, score, p-value, picture."""
    likely = "" if of.probability is None else f"{of.probability:.3f}"
    files = {**of.files, **row.files}
    where = files.get("overlays") or next(iter(files.values()), "")
    if of.scanned is not None:
        score, p_value = of.scanned["score"], of.scanned["p_value"]
        return row.key, f"unusual by {score:.1f}", f"p {p_value:.3f}", where
    words = class_words(of.class_idx, of.class_name, of.against_idx, of.against_name)
    return row.key, words, likely, where
