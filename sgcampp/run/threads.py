"""Work in threads with bounded memory, results in order."""

import os
import sys
import threading
from collections import deque
from collections.abc import Callable, Generator, Iterable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

LEAST = 19
"""The lowest priority. Decoding and drawing then fill the gaps that the device's threads leave."""

Item = TypeVar("Item")
Result = TypeVar("Result")


def ordered_map(
    function: Callable[[Item], Result], items: Iterable[Item], workers: int, ahead: int
) -> Generator[Result, None, None]:
    """Applies a function to items in threads and yields the results in the items' order.

    Items are drawn in the caller's thread, at most `ahead` before the result that is yielded; a
    result that is ready is yielded before the next item is drawn.
    An exception of the function or of `items` is raised in its place, after the results before it.

    Args:
        function: run in a thread.
        items: drawn lazily.
        workers: threads.
        ahead: >= 1, items in work or waiting at a time.
    """
    waiting: deque[Future[Result]] = deque()
    with ThreadPoolExecutor(workers, initializer=_step_back) as pool:
        try:
            for item in items:
                waiting.append(pool.submit(function, item))
                while waiting and (len(waiting) >= ahead or waiting[0].done()):
                    yield waiting.popleft().result()
            while waiting:
                yield waiting.popleft().result()
        finally:
            for future in waiting:
                future.cancel()


def _step_back() -> None:
    """Lets the device's threads go first, on Linux, where each thread has a priority of its own."""
    if sys.platform == "linux":
        os.setpriority(os.PRIO_PROCESS, threading.get_native_id(), LEAST)
