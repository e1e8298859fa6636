"""Writes the page: one HTML file that opens from disk, without server or network."""

import base64
import hashlib
import os
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from sgcampp.errors import UserError
from sgcampp.report.lines import RAW_CHARACTERS, PageLines, script_json
from sgcampp.report.overview import duration, overview
from sgcampp.storage.atomic import write_atomically
from sgcampp.tree.open_tree import OutputTree, open_tree
from sgcampp.tree.paths import MANIFEST, RUN_YAML
from sgcampp.tree.run_record import RunRecord
from sgcampp.tree.status import status_of

PAGE = "report.html"
SCRIPTS = ("words.js", "list.js", "view.js")
SHOWN_KEYS = ("model", "method", "nsamples", "std_dev", "target", "across", "filters", "subset")
"""Settings on top of the page, beside the layers; the others are in run.yaml below them."""


@dataclass(frozen=True)
class Report:
    """A page that was written. `notes`: what is not on it, a sentence each."""

    path: Path
    notes: list[str] = field(default_factory=list)


def write_report(out: Path, path: Path | None = None, budget: int = RAW_CHARACTERS) -> Report:
    """Writes the page of an output tree, whole or not at all; rows pass one at a time.

    Args:
        out: the output tree.
        path: of the page; OUT/report.html by default. Its links to pictures are relative.
        budget: characters of raw values that the page may hold.

    Raises:
        UserError: for a directory that is no output tree, a damaged manifest, or a page that
            can't be written.
    """
    path = path or out / PAGE
    tree = open_tree(out)
    _refuse_to_replace(out, path, tree.kinds)
    running, lines = tree.is_locked(), PageLines(tree, budget)
    with tree.index() as index:
        counted = overview(index.rows())
        context = {
            "name": os.fsencode(out.absolute().name).decode("utf-8", "replace"),
            "status": status_of(tree, counted, running),
            "overview": counted,
            "settings": _settings(tree.values, tree.record),
            "run_yaml": tree.store.read(RUN_YAML).data.decode("utf-8"),
            "facts": Markup(script_json(_facts(tree, out, path))),
            "lines": (Markup(lines.line(row)) for row in index.rows()),
        }
        try:
            write_atomically(path, _html(context))
        except OSError as error:
            raise UserError(f"{path} can't be written: {error.strerror or error}") from error
    return Report(path, _notes(lines))


def _refuse_to_replace(out: Path, path: Path, kinds: Sequence[str]) -> None:
    """Raises UserError for a page that would take the place of the run's own files, or a device."""
    own = [(out / name).resolve() for name in (RUN_YAML, MANIFEST, *kinds)]
    target = path.resolve()
    if any(place == target or place in target.parents for place in own):
        raise UserError(f"{path} belongs to the run: write the report elsewhere")
    if path.exists() and not path.is_file():
        raise UserError(f"{path} is no regular file: write the report elsewhere")


def _html(context: dict[str, Any]) -> Iterator[bytes]:
    environment = Environment(
        autoescape=True, undefined=StrictUndefined, trim_blocks=True, lstrip_blocks=True
    )
    environment.filters["duration"] = duration
    template = environment.from_string(_resource("page.html.j2"))
    style, script = _resource("page.css"), "".join(map(_resource, SCRIPTS))
    pieces = template.generate(
        **context,
        style=Markup(style),
        script=Markup(script),
        style_hash=_hash(style),
        script_hash=_hash(script),
    )
    return (piece.encode() for piece in pieces)


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """As the page's Content-Security-Policy names the one script and style that may act."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")


def _settings(values: dict[str, Any], record: RunRecord) -> dict[str, str]:
    shown = {name: values.get(name) for name in SHOWN_KEYS}
    settings = {"model": shown.pop("model"), "layer": record.layers, **shown}
    return {name: _words(value) for name, value in settings.items() if value not in (None, [], {})}


def _words(value: Any) -> str:
    if isinstance(value, dict):
        return "; ".join(f"{name}: {_words(item)}" for name, item in value.items())
    return ", ".join(map(str, value)) if isinstance(value, list) else str(value)


def _facts(tree: OutputTree, out: Path, path: Path) -> dict[str, Any]:
    """What the page's script must know of the run."""
    base, record = tree.base, tree.record
    return {
        "out": os.path.abspath(out),  # noqa: PTH100 - without following links
        "pictures": _relative_url(out, path),
        "base": None if base is None else str(base),
        "images": None if base is None else _relative_url(base, path),
        "batch": record.batch_size,
        "target_file": record.target_sha256 is not None,
    }


def _relative_url(directory: Path, path: Path) -> str:
    """The URL of a directory as seen from the page, to put before a path; "" for its own."""
    relative = os.path.relpath(directory, path.parent)
    return "" if relative == "." else quote(os.fsencode(relative)) + "/"


def _notes(lines: PageLines) -> list[str]:
    notes = []
    if lines.unread:
        notes.append(
            f"{lines.unread} arrays could not be read, so their maps have no concentration and no "
            "raw values in the report; `sgcampp verify` tells more"
        )
    if lines.left_out:
        notes.append(
            f"the raw values of {lines.left_out} maps are not in the report, which would grow too "
            "large; they are in the arrays"
        )
    return notes
