"""Writes the page of strategies: one HTML file that opens from disk, without network."""

import os
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sgcampp.report.heat import heat_picture
from sgcampp.report.html import page, refuse_to_replace, relative_url, shown, url_path, write_page
from sgcampp.tree.open_tree import OutputTree

if TYPE_CHECKING:
    from sgcampp.strategies.findings import Finding, Strategy
    from sgcampp.strategies.maps import Member

STRATEGIES_PAGE = "strategies.html"
TEMPLATE, STYLES = "strategies.html.j2", ("evaluation.css", "strategies.css")


def write_strategies_page(tree: OutputTree, out: Path, findings: "Sequence[Finding]") -> Path:
    """Writes OUT/strategies.html, whole or not at all; classes of several strategies first.

    Args:
        tree: the output tree.
        out: where it lies.
        findings: what was found in it.

    Returns:
        The path.

    Raises:
        UserError: if it can't be written.
    """
    from sgcampp.strategies.findings import headline, sentence

    path = out / STRATEGIES_PAGE
    refuse_to_replace(out, path, tree.kinds)
    prefix = relative_url(out, path)

    def picture(member: "Member") -> Markup | str:
        return Markup(url_path(prefix, member.picture)) if member.picture else ""

    def mean_map(one: "Strategy") -> Markup:
        return heat_picture(one.mean, f"mean map of {len(one.members)} images: {sentence(one)}")

    context = {
        "name": os.fsencode(out.absolute().name).decode("utf-8", "replace"),
        "findings": sorted(findings, key=lambda one: -len(one.strategies)),
        "several": sum(len(one.strategies) > 1 for one in findings),
        "model": tree.values.get("model"),
    }
    filters: dict[str, Any] = {
        "headline": headline,
        "sentence": sentence,
        "picture": picture,
        "mean_map": mean_map,
        "percent": lambda share: f"{share:.0%}",
    }
    write_page(path, page(TEMPLATE, STYLES, (), context, filters, shown))
    return path
