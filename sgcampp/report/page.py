"""Writes the page: one HTML file that opens from disk, without server or network."""

import os
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from markupsafe import Markup

from sgcampp.report.findings import Findings
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
from sgcampp.report.overview import duration
from sgcampp.report.truth import AUTO, Truth
from sgcampp.storage.location import Named, locate
from sgcampp.storage.urls import is_url
from sgcampp.tree.open_tree import OutputTree, open_tree
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.run_record import RunRecord
from sgcampp.tree.status import status_of

PAGE = "report.html"
STYLES = ("page.css", "findings.css")
SCRIPTS = (
    *("words.js", "means.js", "list.js", "view.js", "beside.js", "address.js"),
    "start.js",
)
SHOWN_KEYS = ("model", "method", "nsamples", "std_dev", "target", "across", "filters", "subset")
"""Settings on top of the page, beside the layers; the others are in run.yaml below them."""


@dataclass(frozen=True)
class Report:
    """A page that was written. `notes`: what is not on it, a sentence each."""

    path: Path | str
    notes: list[str] = field(default_factory=list)


def write_report(
    out: Named, path: Named | None = None, budget: int = RAW_CHARACTERS, truth: str = AUTO
) -> Report:
    """Writes the page of an output tree, whole or not at all; rows pass one at a time.

    Args:
        out: the output tree.
        path: of the page; OUT/report.html by default. Its links to pictures are relative.
        budget: characters of raw values that the page may hold.
        truth: what the images are labelled as, see `Truth`.

    Raises:
        UserError: for a directory that is no output tree, a damaged manifest, labels that can't
            be read, or a page that can't be written.
    """
    tree = open_tree(out)
    path = path or page_below(out, PAGE)
    refuse_to_replace(out, path, tree.kinds)
    inlined, labels = Inlined(tree, pictures_url(tree, out, path) is None), Truth(tree, truth)
    with tree.index() as index, Findings(tree, labels) as findings:
        running, counted = tree.is_locked(), findings.learn(index.rows())
        lines = PageLines(tree, findings, budget, inlined)
        context = {
            "name": name_of(out),
            "status": status_of(tree, counted, running),
            "overview": counted,
            "settings": _settings(tree.values, tree.record),
            "run_yaml": tree.store.read(RUN_YAML).data.decode("utf-8"),
            "facts": Markup(script_json({**_facts(tree, out, path), "metrics": findings.metrics})),
            "lines": (Markup(lines.line(row)) for row in index.rows()),
            "findings": lambda: Markup(script_json(findings.facts())),
        }
        filters = {"duration": duration}
        write_page(path, page("page.html.j2", STYLES, SCRIPTS, context, filters))
    notes = _notes(lines, inlined, labels)
    return Report(locate(path).shown if is_url(path) else Path(path), notes)


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


def _notes(lines: PageLines, inlined: Inlined, truth: Truth) -> list[str]:
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
    if truth.labelled:
        labelled, images = truth.labelled
        notes.append(f"{labelled} of {images} images are labelled")
    if truth.unknown:
        names = ", ".join(repr(text) for text, _ in truth.unknown.most_common(3))
        notes.append(
            f"{truth.unknown.total()} images count as not labelled, as no class of the model, or "
            f"more than one, is called {names}{', …' * (len(truth.unknown) > 3)}"
        )
    return notes
