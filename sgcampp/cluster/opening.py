"""Starts or finds the workers that a run is driven with."""

import logging
import os
import uuid
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from typing import TYPE_CHECKING

from sgcampp.errors import UserError
from sgcampp.run.backlog import Drive
from sgcampp.run.crew import Crew
from sgcampp.run.listing import Listing
from sgcampp.run.stop import Stop
from sgcampp.storage.store import Store
from sgcampp.tree.run_record import versions

if TYPE_CHECKING:
    from distributed import Client

CONNECTING = 20.0
"""Seconds in which a scheduler must answer."""
MEMORY = {"distributed.admin.low-level-log-length": 10}
"""Messages that Dask keeps to look at later: each of ours holds a unit's images."""


@contextmanager
def workers_for(
    listing: Listing, store: Store, note: Callable[[str], None], drive: Drive, stop: Stop
) -> Iterator[Crew]:
    """The workers of a run, its own ones until it ends.

    Args:
        listing: all its images.
        store: its output tree.
        note: hears sentences.
        drive: names the workers.
        stop: ends it early.

    Raises:
        UserError: without the package, or when no scheduler answers.
    """
    try:
        import dask.config
        import distributed  # noqa: F401
    except ImportError as error:
        raise UserError(
            "--workers and --scheduler need Dask: pip install 'sgcampp[cluster]'"
        ) from error
    from sgcampp.cluster.hands import Hands
    from sgcampp.cluster.local import local_cluster
    from sgcampp.cluster.worker import Order
    from sgcampp.cluster.workers import Workers

    _silence()
    order = Order(uuid.uuid4().hex, listing, os.getcwd(), drive.overwrite)  # noqa: PTH109
    there = _found(drive.scheduler) if drive.scheduler else local_cluster(drive.workers)
    with dask.config.set(MEMORY), there as client:
        if link := _dashboard(client, not drive.scheduler):
            note(f"the workers' dashboard is {link}")
        hands = Hands(client, versions(), note, patient=bool(drive.scheduler))
        yield Workers(client, hands, order, store, note, stop)


def _silence() -> None:
    """Dask says nothing here: the run tells of its workers."""
    for name in list(logging.root.manager.loggerDict):
        if name.partition(".")[0] == "distributed":
            logging.getLogger(name).setLevel(logging.CRITICAL + 1)


@contextmanager
def _found(address: str) -> Iterator["Client"]:
    """A client of a cluster that exists; certificates and keys are as Dask's config names them."""
    from distributed import Client, Security
    from distributed.comm.addressing import parse_address, parse_host_port
    from distributed.comm.registry import get_backend

    from sgcampp.cluster.calls import CALL_TIMEOUTS

    encrypted = address.startswith("tls:")
    if encrypted and Security().get_connection_args("client")["ssl_context"] is None:
        raise UserError(
            f"--scheduler is {address!r}, and Dask's configuration names no certificates: see "
            "distributed.comm.tls"
        )
    try:
        # A client that cannot read the address would wait for 40 s at its end.
        scheme, place = parse_address(address)
        get_backend(scheme)
        if scheme in {"tcp", "tls"}:
            parse_host_port(place)
        client = Client(address, timeout=CONNECTING, set_as_default=False, name="sgcampp")
    except (OSError, ValueError, TypeError, RuntimeError, *CALL_TIMEOUTS) as error:
        raise UserError(
            f"--scheduler is {address!r}, and no Dask scheduler answers there: {error}"
        ) from error
    with client:
        yield client


def _dashboard(client: "Client", here: bool) -> str | None:
    """Where the cluster can be watched, if anywhere; that of this machine draws with bokeh."""
    if here and find_spec("bokeh") is None:
        return None
    services = client.scheduler_info().get("services", {})
    return client.dashboard_link if "dashboard" in services else None
