"""Functions that workers run for this process, and their answers as they come."""

import asyncio
import itertools
import queue
from collections.abc import Callable
from concurrent import futures
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from typing import Any, NamedTuple

from distributed import Client, Future
from distributed.scheduler import KilledWorker, NoValidWorkerError

FETCHING, FETCHERS = 60.0, 4
"""Seconds in which an answer that is there must have come over; threads that wait for some."""
CALL_TIMEOUTS = (TimeoutError, asyncio.TimeoutError)


class Lost:
    """Stands for the answer of a worker that died."""


class Answer(NamedTuple):
    """What came of a call.

    Attributes:
        worker: its address.
        about: what the caller said that the call is about.
        what: the function's result, or Lost.
    """

    worker: str
    about: Any
    what: Any


class Calls:
    """Calls under way; each is bound to one worker, so that its death is known to be that of it.

    Args:
        client: of the cluster.
        name: of the run, unlike any other's.
    """

    def __init__(self, client: Client, name: str) -> None:
        self._client, self._name = client, name
        self._numbers = itertools.count()
        self._ended: queue.SimpleQueue[tuple[Any, Any]] = queue.SimpleQueue()
        self._fetchers = ThreadPoolExecutor(FETCHERS)
        self._under_way: dict[Any, tuple[Future, str, Any]] = {}

    def start(self, worker: str, about: Any, function: Callable, *given: Any) -> None:
        """Has a worker run a function, after what it was given before."""
        key = f"sgcampp-{function.__name__}-{self._name}-{next(self._numbers)}"
        future = self._client.submit(function, *given, key=key, workers=[worker], pure=False)
        self._under_way[key] = future, worker, about
        future.add_done_callback(self._fetch)

    def _fetch(self, future: Future) -> None:
        # At once, whatever this process is at: an answer is gone when its worker is.
        def fetch() -> None:
            self._ended.put((future.key, _answer_of(future)))

        with suppress(RuntimeError):  # closed already
            self._fetchers.submit(fetch)

    def close(self) -> None:
        """Waits for no answer any more."""
        self._under_way.clear()
        self._fetchers.shutdown(wait=False, cancel_futures=True)

    def ended(self, seconds: float) -> Answer | None:
        """The next answer, if one comes in so many seconds.

        Raises:
            Exception: what a function raised.
        """
        try:
            key, what = self._ended.get(timeout=seconds)
        except queue.Empty:
            return None
        call = self._under_way.pop(key, None)
        if call is None:
            return None
        if isinstance(what, Exception):
            raise what
        _, worker, about = call
        return Answer(worker, about, what)

    def drop(self, worker: str) -> None:
        """Waits no longer for what a worker has."""
        for key, (future, of, _) in list(self._under_way.items()):
            if of == worker:
                del self._under_way[key]
                future.release()

    def workers(self) -> set[str]:
        """Those that have something to do."""
        return {worker for _, worker, _ in self._under_way.values()}


def _answer_of(future: Future) -> Any:
    """What a function returned, an exception that it raised, or Lost."""
    try:
        if future.status == "finished":
            return future.result(timeout=FETCHING)
        error = future.exception(timeout=FETCHING) if future.status == "error" else None
    except (*CALL_TIMEOUTS, asyncio.CancelledError, futures.CancelledError):
        return Lost
    except Exception as raised:
        return raised
    lost = error is None or isinstance(error, (KilledWorker, NoValidWorkerError))
    return Lost if lost else error
