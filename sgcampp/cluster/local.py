"""Worker processes of this machine: a Dask cluster on loopback that ends with this process."""

import logging
import os
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import dask
from distributed import Client, Nanny, Scheduler, Security, SpecCluster

from sgcampp.errors import UserError

HOST = "127.0.0.1"
NVIDIA = Path("/proc/driver/nvidia/gpus")


@contextmanager
def local_cluster(count: int) -> Iterator[Client]:
    """Starts processes, one GPU each where this machine has several.

    Their talk is encrypted, so that no other user of this machine may join in.

    Raises:
        UserError: for more processes than GPUs.
    """
    gpus = gpus_of_this_machine()
    if len(gpus) > 1 and count > len(gpus):
        raise UserError(
            f"--workers is {count}, and this machine has {len(gpus)} GPUs, accepted: one a GPU"
        )
    with tempfile.TemporaryDirectory(ignore_cleanup_errors=True) as directory:
        common = {
            "host": HOST,
            "protocol": "tls",
            "security": Security.temporary(),
            "dashboard": False,
        }
        workers = {
            number: {"cls": Nanny, "options": {**common, **_options(number, gpus, directory)}}
            for number in range(count)
        }
        shown = find_spec("bokeh") is not None
        at = {"dashboard": shown, "dashboard_address": f"{HOST}:0"}
        options = {**common, **at, "port": 0, "allowed_failures": 0}
        scheduler = {"cls": Scheduler, "options": options}
        # Dask would have libraries count on one thread, and this machine's other runs do not.
        with (
            dask.config.set({"distributed.nanny.pre-spawn-environ": {}}),
            SpecCluster(
                workers=workers,
                scheduler=scheduler,
                security=common["security"],
                silence_logs=logging.CRITICAL + 1,
                name="sgcampp",
            ) as cluster,
            Client(cluster, set_as_default=False) as client,
        ):
            yield client


def _options(number: int, gpus: list[str], directory: str) -> dict[str, Any]:
    return {
        "nthreads": 1,
        "memory_limit": 0,
        "local_directory": directory,
        "preload": ["sgcampp.cluster.preload"],
        "silence_logs": logging.CRITICAL + 1,
        "env": {"CUDA_VISIBLE_DEVICES": gpus[number]} if len(gpus) > 1 else {},
    }


def gpus_of_this_machine() -> list[str]:
    """What CUDA_VISIBLE_DEVICES calls the GPUs that this process may use."""
    visible = os.environ.get("CUDA_VISIBLE_DEVICES")
    if visible is not None:
        names = [name.strip() for name in visible.split(",")]
        return [name for name in names if name not in ("", "-1", "NoDevFiles")]
    try:
        return [str(number) for number, _ in enumerate(NVIDIA.iterdir())]
    except OSError:
        return []
