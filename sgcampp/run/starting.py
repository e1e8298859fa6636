"""What a run makes sure of before it writes, and what it says when it can't."""

import errno
import itertools
from collections.abc import Iterable, Iterator
from contextlib import contextmanager

from sgcampp.errors import RunStopped, UserError
from sgcampp.storage.location import locate
from sgcampp.storage.store import Store
from sgcampp.storage.urls import redacted
from sgcampp.tree.index import read_manifest
from sgcampp.tree.open_tree import kinds_of
from sgcampp.tree.paths import MANIFEST, RUN_YAML
from sgcampp.tree.run_record import read_run_yaml
from sgcampp.tree.tree_writer import clear_tree


def refuse_own_files(sources: Iterable[str], out: str, kinds: Iterable[str]) -> None:
    """Raises UserError for a source inside the directories that the run writes to."""
    places = [locate(out).below(kind) for kind in (MANIFEST, *kinds)]
    for source in map(locate, sources):
        for own in places:
            if f"{source.identity}/".startswith(f"{own.identity}/"):
                raise UserError(f"source {source.shown} lies in {own.shown}, where the run writes")


def clear(store: Store) -> None:
    """Removes the run that an output tree holds, for the holder of its lock.

    Raises:
        UserError: for a directory of other files.
    """
    known = read_run_yaml(store)
    if known is None and _has_others(store):
        raise UserError(
            f"{store.shown()} is no output tree of sgcampp: --overwrite leaves it alone"
        )
    kinds = kinds_of(known[0].get("write") if known else None)
    rows = read_manifest(store)
    named = (files.values() for row in rows for files in (row.files, *(m.files for m in row.maps)))
    clear_tree(store, kinds, itertools.chain.from_iterable(named))
    store.remove(RUN_YAML)


def _has_others(store: Store) -> bool:
    """Whether a directory below the tree holds anything but locks."""
    directories = [entry.name for entry in store.list("") if entry.is_directory]
    return any(
        not entry.name.endswith(".lock") for name in directories for entry in store.list(name)
    )


@contextmanager
def saving(out: str) -> Iterator[None]:
    """Turns what the file system says about the output tree into one sentence."""
    try:
        yield
    except OSError as error:
        reason, out = error.strerror or str(error), redacted(out)
        if error.errno in {errno.ENOTDIR, errno.EEXIST}:
            raise UserError(f"{out} can't be an output directory: {reason}") from error
        raise RunStopped(
            f"{out} can't be written: {reason}; what is there is whole, and the same command "
            "goes on once that is mended"
        ) from error
