"""What a worker process of this machine does first (Dask calls `dask_setup`)."""

import signal


def dask_setup(worker: object) -> None:
    """Leaves Ctrl-C in the terminal to the run that started it, which stops it in its time."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
