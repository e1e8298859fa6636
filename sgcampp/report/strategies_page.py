"""Writes the page of strategies: one HTML file that opens from disk, without network."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sgcampp.report.heat import heat_picture
from sgcampp.report.html import (
    name_of,
    page,
    page_below,
    pictures_url,
    refuse_to_replace,
    shown,
    url_path,
    write_page,
)
from sgcampp.report.inlined import Inlined
from sgcampp.storage.location import Named
from sgcampp.tree.open_tree import OutputTree

if TYPE_CHECKING:
    from sgcampp.strategies.findings import Finding, Strategy
    from sgcampp.strategies.maps import Member

STRATEGIES_PAGE = "strategies.html"
TEMPLATE, STYLES = "strategies.html.j2", ("evaluation.css", "strategies.css")


def write_strategies_page(tree: OutputTree, out: Named, findings: "Sequence[Finding]") -> Named:
    """Writes OUT/strategies.html and returns its path; classes of several strategies come first.

    Args:
        tree: the output tree.
        out: where it lies.
        findings: what was found in it.

    Raises:
        UserError: if it can't be written.
    """
    from sgcampp.strategies.findings import headline, sentence

    path = page_below(out, STRATEGIES_PAGE)
    refuse_to_replace(out, path, tree.kinds)
    prefix = pictures_url(tree, out, path)
    inlined = Inlined(tree, prefix is None)

    def picture(member: "Member") -> Markup | str:
        if member.picture is None:
            return ""
        if prefix is None:
            return Markup(inlined.urls([member.picture]).get(member.picture, ""))
        return Markup(url_path(prefix, member.picture))

    def mean_map(one: "Strategy") -> Markup:
        return heat_picture(one.mean, f"mean map of {len(one.members)} images: {sentence(one)}")

    context = {
        "name": name_of(out),
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
