"""Work in threads with bounded memory, results in order."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

LEAST = 19
"""The lowest priority. Decoding and drawing then fill the gaps that the device's threads leave."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result],
    groups: Iterable[Sequence[Item]],
    threads: int,
    ahead: int,
) -> Generator[list[Result], None, None]:
    """Applies a function to items in threads and yields the results, group by group, in order.

    Groups are drawn in the caller's thread, as long as less than `ahead` items are in work or
    waiting; a group that is ready is yielded before the next one is drawn.
    An exception of the function or of `groups` is raised in its place, after the groups before it.

    Args:
        function: run in a thread.
        groups: drawn lazily; none is empty.
        threads: how many.
        ahead: >= 1, items in work or waiting at a time.
    """
    waiting: deque[list[Future[Result]]] = deque()
    with ThreadPoolExecutor(threads, initializer=_step_back) as pool:
        try:
            for group in groups:
                waiting.append([pool.submit(function, item) for item in group])
                while waiting and (sum(map(len, waiting)) >= ahead or _are_done(waiting[0])):
                    yield [future.result() for future in waiting.popleft()]
            while waiting:
                yield [future.result() for future in waiting.popleft()]
        finally:
            for futures in waiting:
                for future in futures:
                    future.cancel()


def _are_done(futures: Sequence[Future]) -> bool:
    return all(future.done() for future in futures)


def let_requests_step_back() -> None:
    """Gives the lowest priority to the one thread that fsspec makes this process's requests in."""
    from fsspec.asyn import get_loop

    get_loop().call_soon_threadsafe(_step_back)


def _step_back() -> None:
    """Lets the device's threads go first, on Linux, where each thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST)
