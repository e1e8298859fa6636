"""Manifests of output trees, written and read by tests."""

from sgcampp.storage.local import LocalStore
from sgcampp.storage.location import store_at
from sgcampp.tree.manifest import manifest_writer, part_names, scan
from sgcampp.tree.paths import manifest_part
from sgcampp.tree.rows import from_line


def write_rows(out, *rows, part=0):
    """Appends rows to a part."""
    with manifest_writer(LocalStore(out), manifest_part(part)) as writer:
        writer.append(rows)


def every_row(out):
    """Yields all rows of all parts, in the order of writing."""
    store = store_at(out)
    for part in part_names(store):
        yield from (row for _, row in scan(store, part, from_line))
