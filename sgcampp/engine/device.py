"""What ends the work on a device early: a request to stop, or no memory for a batch."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TypeVar

import tensorflow as tf

from sgcampp.errors import RunStopped

Result = TypeVar("Result")


class GaveUp(Exception):
    """A group was left unfinished on request."""


class DeviceMemoryError(Exception):
    """The device has no memory for a batch."""


@contextmanager
def on_device() -> Iterator[None]:
    """Turns TensorFlow's word for a device without memory into DeviceMemoryError."""
    try:
        yield
    except tf.errors.ResourceExhaustedError as error:
        raise DeviceMemoryError(str(error)) from error


def with_memory(
    work: Callable[[], Result], batch_size: Callable[[], int], halve: Callable[[int], None]
) -> Result:
    """Does a piece of work, with ever smaller batches while the device has no memory for it.

    Args:
        work: raises DeviceMemoryError where its batch is too large.
        batch_size: B, as it is now.
        halve: is told the B to go on with.

    Raises:
        RunStopped: when there is no memory even for one sample at a time.
    """
    while True:
        try:
            return work()
        except DeviceMemoryError:
            halve(halved(batch_size()))


def halved(batch_size: int) -> int:
    """Half of B, for a device that has no memory for B; RunStopped where that is one image."""
    if batch_size == 1:
        raise RunStopped("the device has no memory even for one image at a time") from None
    return batch_size // 2
