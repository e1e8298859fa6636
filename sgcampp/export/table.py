"""The table of an output tree: a row a map, read and written in a stream."""

from collections.abc import Iterator

from sgcampp.errors import UserError
from sgcampp.export.columns import columns_of, flattened
from sgcampp.export.evaluated import Evaluated
from sgcampp.export.formats import FORMATS
from sgcampp.tree.open_tree import OutputTree


def table(tree: OutputTree, form: str) -> Iterator[bytes]:
    """The table in pieces: a row a map, and one for each image without maps.

    Args:
        tree: the output tree.
        form: of `FORMATS`.

    Raises:
        UserError: for an unknown format, a damaged manifest or evaluation.
    """
    if form not in FORMATS:
        raise UserError(f"format is {form!r:.50}, accepted: {', '.join(FORMATS)}")
    write = tree.values.get("write")
    kinds = [kind for kind in tree.kinds if isinstance(write, list) and kind in write]
    with Evaluated(tree.store) as evaluated, tree.index() as index:
        columns = columns_of(kinds, evaluated.metrics)
        rows_of = flattened(kinds, evaluated.metrics, evaluated.of_maps)
        rows = (row for values in index.values() for row in rows_of(values))
        yield from FORMATS[form](columns, rows)
