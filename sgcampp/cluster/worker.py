"""What a worker does for a run; imported by the run too, so TensorFlow comes when it is needed.

A worker answers with what went wrong rather than raise it: Dask writes what is raised to its logs,
with what the function was given.
"""

import os
import threading
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from functools import wraps
from typing import TYPE_CHECKING, Any

from sgcampp.errors import RunStopped, UserError
from sgcampp.run.listing import Listing
from sgcampp.run.quiet import import_tensorflow
from sgcampp.run.recording import Written
from sgcampp.run.stop import Stop
from sgcampp.storage.location import store_at
from sgcampp.tree.run_record import RunRecord, versions

from .units import Unit

if TYPE_CHECKING:
    from sgcampp.run.prepared import Prepared


@dataclass(frozen=True)
class Order:
    """What a worker must know of a run.

    Attributes:
        name: of the run, unlike any other's.
        listing: all its images.
        directory: that paths start from.
        afresh: whether what the output tree holds does not count.
    """

    name: str
    listing: Listing = field(repr=False)
    directory: str = field(repr=False)
    afresh: bool = False


@dataclass(frozen=True)
class Ready:
    """The model is loaded. `notes`: sentences for the user; `closing`: for the run's last line."""

    notes: list[str]
    closing: str


@dataclass(frozen=True)
class Done:
    """A unit is explained.

    Attributes:
        rows: whose files are there.
        smaller: the record to go on with, if the device had no memory for B.
    """

    rows: list[Written]
    smaller: RunRecord | None = None


@dataclass(frozen=True)
class Unfit:
    """This worker can't work for the run. `reason`: what differs."""

    reason: str


@dataclass(frozen=True)
class Trouble:
    """What the run shall raise."""

    error: BaseException


@dataclass
class _Session:
    """What a worker keeps of the run that it works for."""

    name: str = ""
    out: str | None = None
    prepared: "Prepared | None" = None
    notes: list[str] = field(default_factory=list)
    stop: Stop = field(default_factory=Stop)


_session = _Session()
_one_at_a_time = threading.Lock()


def facts() -> dict[str, str]:
    """Versions of what shapes this worker's numbers."""
    return versions()


def answering(function: Callable[..., Any]) -> Callable[..., Any]:
    """Makes a function answer with `Trouble` what the run shall raise."""

    @wraps(function)
    def answer(*given: Any) -> Any:
        with _one_at_a_time:
            try:
                return function(*given)
            except (UserError, RunStopped, OSError, KeyboardInterrupt) as error:
                return Trouble(error)

    return answer


@answering
def prepare(order: Order) -> Ready:
    """Loads and traces the model, unless this worker has done so already."""
    closing = _prepared(order).closing
    return Ready(_session.notes, closing)


@answering
def settle(order: Order) -> RunRecord:
    """The record to go on with, while the run holds the output tree's lock."""
    return _prepared(order).settle()


@answering
def explain(order: Order, record: RunRecord, unit: Unit, shard: int | None) -> Done | Unfit:
    """Explains a unit.

    Args:
        order: of the run.
        record: as the run settled it.
        unit: what to explain.
        shard: number of the shard that its files go to, in the tar layout.
    """
    try:
        prepared, smaller = _prepared(order, record), record
    except (UserError, OSError) as error:
        return Unfit(str(error))
    if differing := prepared.differences(record):
        return Unfit(f"it differs from the run in {'; '.join(differing)}")

    def on_smaller(less: RunRecord) -> None:
        nonlocal smaller
        smaller = less

    tasks = ([task] for task in unit.tasks)
    stages = prepared.explain(tasks, record, _session.stop, on_smaller, shard=shard)
    rows = [row for batch in stages for row in batch]
    return Done(rows, None if smaller is record else smaller)


def stop(name: str) -> None:
    """Asks this worker to end its unit early; called beside it."""
    if _session.name == name:
        _session.stop.request()


def end_others(name: str, out: str) -> bool:
    """Asks this worker to end what it does for a dead run into an output tree; called beside it.

    Args:
        name: of the run that holds the tree's lock now.
        out: the tree.

    Returns:
        Whether it is still at it.
    """
    if _session.name == name or _session.out != out:
        return False
    _session.stop.request()
    return _one_at_a_time.locked()


def _prepared(order: Order, record: RunRecord | None = None) -> "Prepared":
    global _session  # noqa: PLW0603 - what a worker keeps between units
    if _session.name != order.name:
        # The last run's model goes before this one's comes.
        _session = _Session(order.name, order.listing.config.out)
    prepared = _session.prepared
    if prepared is None:
        import_tensorflow()
        from sgcampp.run.background import Making
        from sgcampp.run.prepared import Prepared

        with suppress(OSError):  # a run of URLs alone needs none
            os.chdir(order.directory)
        session, listing = _session, order.listing
        making = Making(session.notes.append, lambda: session.stop.requested)
        store = store_at(listing.config.out or "")
        prepared = Prepared(listing, store, making, order.afresh, record)
        session.prepared = prepared
    return prepared
