"""Functions that workers run for this process, and their answers as they come."""

import asyncio
import itertools
import queue
from collections.abc import Callable
from concurrent import futures
from typing import Any, NamedTuple

from distributed import Client, Future
from distributed.scheduler import KilledWorker, NoValidWorkerError

FETCHING = 60.0
"""Seconds in which an answer that is there must have come over."""
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
        self._ended: queue.SimpleQueue[Future] = queue.SimpleQueue()
        self._under_way: dict[Any, tuple[Future, str, Any]] = {}

    def start(self, worker: str, about: Any, function: Callable, *given: Any) -> None:
        """Has a worker run a function, after what it was given before."""
        key = f"sgcampp-{function.__name__}-{self._name}-{next(self._numbers)}"
        future = self._client.submit(function, *given, key=key, workers=[worker], pure=False)
        self._under_way[key] = future, worker, about
        future.add_done_callback(self._ended.put)

    def ended(self, seconds: float) -> Answer | None:
        """The next answer, if one comes in so many seconds.

        Raises:
            Exception: what a function raised.
        """
        try:
            future = self._ended.get(timeout=seconds)
        except queue.Empty:
            return None
        call = self._under_way.pop(future.key, None)
        if call is None:
            return None
        _, worker, about = call
        return Answer(worker, about, _answer_of(future))

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
    if future.status == "finished":
        try:
            return future.result(timeout=FETCHING)
        except (*CALL_TIMEOUTS, asyncio.CancelledError, futures.CancelledError):
            return Lost
    error = future.exception() if future.status == "error" else None
    if error is None or isinstance(error, (KilledWorker, NoValidWorkerError)):
        return Lost
    raise error
