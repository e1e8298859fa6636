"""Groups of work in threads: in order, bounded, and with errors in their place."""

import subprocess
import sys
import threading

import pytest

from sgcampp.run.threads import LEAST, ordered_map


def test_groups_come_in_order_whatever_takes_long():
    gates = [threading.Event() for _ in range(4)]

    def work(n):
        if n < 2:
            gates[n].wait(5)
        elif n == 3:
            gates[1].set()
            gates[0].set()
        return n * n

    assert list(ordered_map(work, [[0, 1], [2], [3]], 4, 10)) == [[0, 1], [4], [9]]


def test_no_more_than_so_many_items_are_ahead():
    drawn = []

    def groups():
        for n in range(10):
            drawn.append(n)
            yield [n, n]

    results = ordered_map(lambda n: n, groups(), 1, 4)
    assert next(results) == [0, 0]
    assert len(drawn) <= 2
    assert [group[0] for group in results] == list(range(1, 10))


def test_an_error_is_raised_in_its_place():
    def work(n):
        if n == 2:
            raise ValueError("two")
        return n

    results = ordered_map(work, [[0], [1, 2], [3]], 2, 100)
    assert next(results) == [0]
    with pytest.raises(ValueError, match="two"):
        next(results)


def test_leaving_early_starts_nothing_new():
    done = []
    results = ordered_map(done.append, ([n] for n in range(1000)), 1, 3)
    next(results)
    results.close()
    assert len(done) <= 4


REQUESTS = """
import asyncio, os, threading
from fsspec.asyn import get_loop
from sgcampp.run.threads import let_requests_step_back
async def priority():
    return os.getpriority(os.PRIO_PROCESS, threading.get_native_id())
let_requests_step_back()
print(asyncio.run_coroutine_threadsafe(priority(), get_loop()).result(10))
print(asyncio.run(priority()))
"""


@pytest.mark.skipif(sys.platform != "linux", reason="threads have priorities of their own on Linux")
def test_requests_let_the_device_go_first():
    """In a process of its own: no thread gets a priority back."""
    line = [sys.executable, "-c", REQUESTS]
    told = subprocess.run(line, check=True, capture_output=True, text=True).stdout
    of_requests, own = map(int, told.split())
    assert of_requests == LEAST > own
