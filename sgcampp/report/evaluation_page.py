"""Writes the page of an evaluation: one HTML file that opens from disk, without network."""

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from sgcampp.report import numbers
from sgcampp.report.evaluation_pictures import PictureLists, pictures_in
from sgcampp.report.evaluation_views import (
    SIDES,
    Shares,
    baselines,
    curve_views,
    is_reference,
    metric_views,
    reasons,
    title_of,
)
from sgcampp.report.extremes import Extremes
from sgcampp.report.html import (
    breakable,
    name_of,
    page,
    page_below,
    pictures_url,
    refuse_to_replace,
    shown,
    words,
    write_page,
)
from sgcampp.report.inlined import Inlined
from sgcampp.report.lines import script_json
from sgcampp.storage.location import Named
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.words import flat_words

if TYPE_CHECKING:
    from sgcampp.evaluation.records import Record
    from sgcampp.evaluation.rows import EvaluationRow
    from sgcampp.evaluation.summary import Cell, Summary

EVALUATION_PAGE = "evaluation.html"
TEMPLATE, STYLES = "evaluation.html.j2", ("evaluation.css",)
SCRIPTS = ("words.js", "evaluation.js")

FILTERS: dict[str, Callable[..., Any]] = {
    "number": numbers.number,
    "interval": numbers.interval,
    "p": numbers.probability,
    "correlation": numbers.correlation,
    "percent": lambda share: f"{100 * share:.4g} %",
    "metric_title": title_of,
    "reasons": reasons,
    "in_words": flat_words,
    "breakable": breakable,
}


def write_evaluation_page(
    tree: OutputTree,
    out: Named,
    summary: "Summary",
    rows: "Iterable[EvaluationRow | Record]",
    parameters: dict[str, Any],
    path: Named | None = None,
) -> Named:
    """Writes the page of an evaluation, whole or not at all.

    Args:
        tree: the output tree evaluated.
        out: where it lies.
        summary: what the evaluation says.
        rows: its rows, one a map; they are read once and only those that stand out are kept.
        parameters: what the evaluation was asked, to stand on top.
        path: of the page; OUT/evaluation.html by default. Its links to pictures are relative.

    Returns:
        The path.

    Raises:
        UserError: for a damaged manifest, or a page that can't be written.
    """
    path = path or page_below(out, EVALUATION_PAGE)
    refuse_to_replace(out, path, tree.kinds)
    extremes, shares = Extremes(summary), Shares()
    for row in rows:
        extremes.add(row)
        shares.add(row)
    with tree.index() as index:
        lists = PictureLists(index).data(extremes)
    lists["pictures"] = pictures_url(tree, out, path)
    lists["inlined"] = Inlined(tree, lists["pictures"] is None).urls(pictures_in(lists))
    facts = {
        "name": name_of(out),
        "settings": _settings(tree, summary, parameters),
        "pairs": extremes.pairs,
        "directional": extremes.metrics,
        "data": Markup(script_json(lists)),
    }
    context = {**facts, **_views(summary, shares)}
    write_page(path, page(TEMPLATE, STYLES, SCRIPTS, context, FILTERS, shown))
    return path


def _views(summary: "Summary", shares: Shares) -> dict[str, Any]:
    """What the template shows of the summary."""
    return {
        "summary": summary,
        "methods": [one for one in summary.series if not is_reference(one)],
        "references": [one for one in summary.series if is_reference(one)],
        "metrics": sorted(metric_views(summary), key=lambda view: view.forest is None),
        "curves": list(curve_views(summary, shares)),
        "baselines": baselines(summary),
        "sides": SIDES,
        "marks": numbers.MARKS,
        "verdict_of": verdict_of,
    }


def verdict_of(cell: "Cell") -> str:
    """The word that a cell has, if it has one."""
    if cell.against:
        return cell.against.verdict
    return "not above ref_random" if cell.above_random is False else ""


def _settings(tree: OutputTree, summary: "Summary", parameters: dict[str, Any]) -> dict[str, str]:
    """What was evaluated and how, by name."""
    known = {
        "images": f"{summary.images:,}",
        "model": tree.values.get("model"),
        "metrics": [one.name for one in summary.metrics],
        "baseline": summary.against or "none",
    }
    every = {**known, **parameters}
    return {name: words(value) for name, value in every.items() if value not in (None, [], {}, "")}
