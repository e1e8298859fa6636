"""Writes the page: one HTML file that opens from disk, without server or network."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sgcampp.report.html import (
    name_of,
    page,
    page_below,
    pictures_url,
    refuse_to_replace,
    relative_url,
    words,
    write_page,
)
from sgcampp.report.inlined import Inlined
from sgcampp.report.lines import RAW_CHARACTERS, PageLines, script_json
from sgcampp.report.overview import duration, overview
from sgcampp.storage.location import Named, locate
from sgcampp.storage.urls import is_url
from sgcampp.tree.open_tree import OutputTree, open_tree
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.run_record import RunRecord
from sgcampp.tree.status import status_of

PAGE = "report.html"
SCRIPTS = ("words.js", "list.js", "view.js")
SHOWN_KEYS = ("model", "method", "nsamples", "std_dev", "target", "across", "filters", "subset")
"""Settings on top of the page, beside the layers; the others are in run.yaml below them."""


@dataclass(frozen=True)
class Report:
    """A page that was written. `notes`: what is not on it, a sentence each."""

    path: Path | str
    notes: list[str] = field(default_factory=list)


def write_report(out: Named, path: Named | None = None, budget: int = RAW_CHARACTERS) -> Report:
    """Writes the page of an output tree, whole or not at all; rows pass one at a time.

    Args:
        out: the output tree.
        path: of the page; OUT/report.html by default. Its links to pictures are relative.
        budget: characters of raw values that the page may hold.

    Raises:
        UserError: for a directory that is no output tree, a damaged manifest, or a page that
            can't be written.
    """
    tree = open_tree(out)
    path = path or page_below(out, PAGE)
    refuse_to_replace(out, path, tree.kinds)
    inlined = Inlined(tree, pictures_url(tree, out, path) is None)
    running, lines = tree.is_locked(), PageLines(tree, budget, inlined)
    with tree.index() as index:
        counted = overview(index.rows())
        context = {
            "name": name_of(out),
            "status": status_of(tree, counted, running),
            "overview": counted,
            "settings": _settings(tree.values, tree.record),
            "run_yaml": tree.store.read(RUN_YAML).data.decode("utf-8"),
            "facts": Markup(script_json(_facts(tree, out, path))),
            "lines": (Markup(lines.line(row)) for row in index.rows()),
        }
        filters = {"duration": duration}
        write_page(path, page("page.html.j2", ("page.css",), SCRIPTS, context, filters))
    return Report(locate(path).shown if is_url(path) else Path(path), _notes(lines, inlined))


def _settings(values: dict[str, Any], record: RunRecord) -> dict[str, str]:
    shown = {name: values.get(name) for name in SHOWN_KEYS}
    settings = {"model": shown.pop("model"), "layer": record.layers, **shown}
    return {name: words(value) for name, value in settings.items() if value not in (None, [], {})}


def _facts(tree: OutputTree, out: Named, path: Named) -> dict[str, Any]:
    """What the page's script must know of the run."""
    base, record = tree.base, tree.record
    return {
        "out": locate(out).shown if is_url(out) else os.path.abspath(out),  # noqa: PTH100 - links stay
        "pictures": pictures_url(tree, out, path),
        "base": None if base is None else str(base),
        "images": None if base is None else relative_url(base, path),
        "batch": record.batch_size,
        "target_file": record.target_sha256 is not None,
    }


def _notes(lines: PageLines, inlined: Inlined) -> list[str]:
    notes = []
    if inlined.left_out:
        notes.append(
            f"{inlined.left_out} pictures are not in the report: no page can link to where they "
            "are, and it would grow too large with them in it"
        )
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
