"""How a run is told: a bar on a terminal, plain lines elsewhere; results on stdout."""

import sys
import time

from tqdm import tqdm

from sgcampp.tree.rows import OK, MapRecord, Row, to_line

from .streams import print_lines, printable, silence, tell

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
        self._draw("update")

    def finish(self, row: Row) -> None:
        """One image is done or has failed."""
        self._done += 1
        if row.status != OK:
            self._failed += 1
            self._say(f"sgcampp: {printable(row.key)}: {row.error} ({row.reason})")
        if self._json:
            self._print(to_line(row).decode("ascii"))
        elif row.status == OK:
            self._print("".join(f"{line}\n" for line in _lines(row)))
        self._draw("update")
        if self._bar is None and time.monotonic() - self._said > SECONDS_BETWEEN_LINES:
            self._said = time.monotonic()
            rate = self._done / (self._said - self._begin)
            failed = f", {self._failed} failed" if self._failed else ""
            done = self._skipped + self._done
            self._say(f"sgcampp: {done} of {self._total} images{failed}, {rate:.2g} a second")

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


def _lines(row: Row) -> list[str]:
    """A line a map, none twice: key, class, probability, and where to look."""
    if not row.maps:
        return ["\t".join(map(printable, (row.key, row.note or "", "", "")))]
    lines = (map(printable, _parts(row, record)) for record in row.maps)
    return list(dict.fromkeys("\t".join(parts) for parts in lines))


def _parts(row: Row, record: MapRecord) -> tuple[str, str, str, str]:
    likely = "" if record.probability is None else f"{record.probability:.3f}"
    files = {**record.files, **row.files}
    where = files.get("overlays") or next(iter(files.values()), "")
    return row.key, class_words(record), likely, where


def class_words(record: MapRecord) -> str:
    """The class of a map, or both of a contrast, by label or index."""
    names = [
        name or ("" if idx is None else f"class {idx}")
        for idx, name in (
            (record.class_idx, record.class_name),
            (record.against_idx, record.against_name),
        )
    ]
    return " against ".join(filter(None, names))
