"""Writes the page of the feature maps that weigh most: one HTML file that opens from disk."""

from typing import Any

from sgcampp.report.filters import OfClass
from sgcampp.report.html import (
    name_of,
    page,
    page_below,
    pictures_url,
    refuse_to_replace,
    shown,
    url_path,
    words,
    write_page,
)
from sgcampp.report.inlined import Inlined
from sgcampp.storage.location import Named
from sgcampp.tree.open_tree import OutputTree

FILTERS_PAGE = "filters.html"
TEMPLATE, STYLES = "filters.html.j2", ("evaluation.css", "filters.css")


def write_filters_page(tree: OutputTree, out: Named, classes: list[OfClass]) -> Named:
    """Writes OUT/filters.html, whole or not at all, and returns its path.

    Args:
        tree: the output tree.
        out: where it lies.
        classes: what it shows.

    Raises:
        UserError: if it can't be written.
    """
    path = page_below(out, FILTERS_PAGE)
    refuse_to_replace(out, path, tree.kinds)
    prefix = pictures_url(tree, out, path)
    paths = [
        driven.picture
        for one in classes
        for _, standing in one.ranked()
        for driven in standing.driven
    ]
    inlined = Inlined(tree, prefix is None).urls(paths)
    context: dict[str, Any] = {
        "name": name_of(out),
        "settings": {
            name: words(tree.values[name])
            for name in ("model", "method", "layer_name", "target", "filters")
            if tree.values.get(name) not in (None, [])
        },
        "classes": classes,
        "several": len({(one.method, one.layer) for one in classes}) > 1,
    }
    filters = {
        "url": lambda picture: inlined.get(picture) or url_path(prefix or "", picture),
        "percent": lambda share: f"{100 * share:.1f} %",
    }
    write_page(path, page(TEMPLATE, STYLES, (), context, filters, shown))
    return path
