"""Small evaluations to summarise."""

from sgcampp.evaluation.rows import EvaluationRow


def row(key, method, layer="block", **values):
    return EvaluationRow(key=str(key), method=method, layer=layer, **values)


def rows_of(metric, layer="block", **by_method):
    """One row an image and method, `by_method` the values of the images."""
    return [
        row(f"{i:03}.jpg", method, layer, metrics={metric: float(value)})
        for method, values in by_method.items()
        for i, value in enumerate(values)
    ]


def cell(summary, method, metric, layer="block"):
    """The cell of the only series of a method at a layer."""
    (one,) = [s for s in summary.series if (s.series.method, s.series.layer) == (method, layer)]
    return one.cells[metric]
