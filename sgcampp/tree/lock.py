"""Locks that a crash leaves free: one run at a time in an output tree, or one a shard."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

from sgcampp.errors import UserError
from sgcampp.storage.store import Busy, Held, Store
from sgcampp.tree.paths import MANIFEST

WHOLE = 0
"""The manifest part of a run that is no shard."""
_RUNNING = b"running"


@contextmanager
def locked(store: Store, part: int, directory: str = MANIFEST) -> Iterator[bool]:
    """Holds the right to write one part of an output tree's manifest, or of its evaluation.

    A whole run (part 0) excludes every other run; shards exclude only a whole run and themselves.
    The locks are free when the process ends, however it ends.

    Args:
        store: the output tree.
        part: which one.
        directory: of the parts.

    Yields:
        Whether the last holder of the part (for a whole run: of any part) was killed, so that it
        may have left temporary files.

    Raises:
        UserError: if another process holds it, or a lock file is a link.
        OSError: if the lock files can't be made.
    """
    own = f"{directory}/part-{part:05d}.lock"
    with (
        _held(store, f"{directory}/run.lock", shared=part != WHOLE),
        _held(store, own) as held,
    ):
        marked = [
            name
            for name in (_locks(store, directory) if part == WHOLE else [own])
            if _mark(store, name)
        ]
        held.mark(_RUNNING)
        try:
            yield bool(marked)
        finally:
            held.mark(b"")
            for name in set(marked) - {own}:
                with store.lock(name) as dead:
                    dead.mark(b"")


@contextmanager
def settling(store: Store, directory: str = MANIFEST) -> Iterator[None]:
    """Makes shards that start at once settle the run's record one after the other; waits."""
    with store.lock(f"{directory}/settle.lock", wait=True):
        yield


def is_locked(store: Store) -> bool:
    """Whether some process is writing to the output tree."""
    for name in _locks(store, MANIFEST):
        try:
            with store.lock(name, shared=True, make=False):
                pass
        except Busy:
            return True
    return False


@contextmanager
def _held(store: Store, name: str, shared: bool = False) -> Iterator[Held]:
    with ExitStack() as stack:
        try:
            held = stack.enter_context(store.lock(name, shared=shared))
        except Busy as error:
            raise UserError(
                f"another process is writing to {store.shown()}: wait for it, choose another "
                "output directory, or run both as shards of their own"
            ) from error
        yield held


def _locks(store: Store, directory: str) -> list[str]:
    """The locks of all parts that there are."""
    try:
        names = [entry.name for entry in store.list(directory)]
    except (FileNotFoundError, NotADirectoryError):
        return []
    locks = (name for name in names if name.startswith("part-") and name.endswith(".lock"))
    return [f"{directory}/{name}" for name in sorted(locks)]


def _mark(store: Store, name: str) -> bytes:
    with store.open_own(name) as file:
        return file.read()
