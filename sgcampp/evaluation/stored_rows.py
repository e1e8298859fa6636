"""The rows of an evaluation as they lie in an output tree, and the images that need no more."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator

from sgcampp.evaluation.request import DIRECTORY
from sgcampp.evaluation.rows import FAILED, EvaluationRow, Series, from_line, without_lists
from sgcampp.storage.store import Store
from sgcampp.tree.manifest import part_names, scan


def stored_rows(
    store: Store, read: Callable[[bytes], EvaluationRow] = from_line
) -> Iterator[EvaluationRow]:
    """The rows of all shards, one at a time; of several for one map the latest one holds.

    Args:
        store: the output tree.
        read: makes a row of a line.

    Raises:
        UserError: at a line that is none.
    """
    for name in part_names(store, DIRECTORY):
        for _, row in scan(store, name, read):
            yield row


def done_images(store: Store, retry_failed: bool) -> set[str]:
    """The images all of whose rows are there; a kill may have torn off the last ones.

    Args:
        store: the output tree.
        retry_failed: images of which something failed are not done.

    Raises:
        UserError: at a line that is no row.
    """
    holding: dict[tuple[str, Series, int], tuple[float, int, bool]] = {}
    for row in stored_rows(store, without_lists):
        map_ = sys.intern(row.key), row.series, row.target
        said = row.finished, row.of_image, row.status == FAILED
        if map_ not in holding or said[0] >= holding[map_][0]:
            holding[map_] = said
    counts = Counter((key, of_image) for (key, *_), (_, of_image, _) in holding.items())
    whole = {key for (key, of_image), count in counts.items() if count == of_image}
    if retry_failed:
        whole -= {key for (key, *_), (*_, failed) in holding.items() if failed}
    return whole
