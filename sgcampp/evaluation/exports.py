"""An evaluation as JSON and as CSV, for other programs."""

import csv
import io
import json
from dataclasses import asdict
from typing import Any

from sgcampp.evaluation.rows import Series
from sgcampp.evaluation.summary import Cell, MetricFacts, Summary

COLUMNS = (
    *("method", "layer", "settings", "filters", "metric", "better", "unit"),
    *("images", "mean", "low", "high"),
    *("against", "difference", "diff_low", "diff_high", "p", "p_holm", "verdict"),
    *("wins", "ties", "losses", "smallest"),
)


def to_json(summary: Summary) -> dict[str, Any]:
    """The summary as JSON has it: mappings, lists, text, finite numbers, null.

    Its fields are those of `Summary`; a series is {method, layer, settings, filters}.
    """
    plain = asdict(summary)
    for one in plain["series"]:
        one["series"] = _plain_series(one["series"])
        for cell in one["cells"].values():
            if cell["against"]:
                cell["against"]["other"] = _plain_series(cell["against"]["other"])
    return plain


def to_csv(summary: Summary) -> str:
    """One line a series and metric, under a header of `COLUMNS`; empty for no value.

    `settings` is JSON; `filters` are numbers with spaces between.
    """
    text = io.StringIO()
    writer = csv.DictWriter(text, COLUMNS, restval="", lineterminator="\n")
    writer.writeheader()
    for one in summary.series:
        for facts in summary.metrics:
            cell = one.cells[facts.name]
            writer.writerow(_of_series(one.series) | _of_metric(facts, cell) | _of_comparison(cell))
    return text.getvalue()


def _plain_series(series: dict[str, Any]) -> dict[str, Any]:
    settings = json.loads(series["settings"])
    return series | {"settings": settings, "filters": list(series["filters"])}


def _of_series(series: Series) -> dict[str, Any]:
    return {
        "method": series.method,
        "layer": series.layer,
        "settings": series.settings,
        "filters": " ".join(map(str, series.filters)),
    }


def _of_metric(facts: MetricFacts, cell: Cell) -> dict[str, Any]:
    return {
        "metric": facts.name,
        "better": facts.better,
        "unit": facts.unit,
        "images": cell.mean.images,
        "mean": cell.mean.estimate,
        "low": cell.mean.low,
        "high": cell.mean.high,
    }


def _of_comparison(cell: Cell) -> dict[str, Any]:
    if not cell.against:
        return {}
    of = cell.against.comparison
    return {
        "against": cell.against.other.label,
        "difference": of.difference.estimate,
        "diff_low": of.difference.low,
        "diff_high": of.difference.high,
        "p": of.p,
        "p_holm": cell.against.p_holm,
        "verdict": cell.against.verdict,
        "wins": of.wins,
        "ties": of.ties,
        "losses": of.losses,
        "smallest": of.smallest,
    }
