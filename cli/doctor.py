"""`sgcampp doctor`: what this machine has, and how fast it explains."""

import json
import os
import platform
import shutil
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Any

import click

from sgcampp import __version__
from sgcampp.config.loading import load_config
from sgcampp.config.run_config import RunConfig
from sgcampp.run.quiet import import_tensorflow

from .streams import print_lines

PACKAGES = ("tensorflow", "keras", "numpy", "opencv-python-headless", "click", "pillow", "scipy")
SECONDS = 2.0


@click.command("doctor")
@click.option("--config", type=click.Path(path_type=Path), help="The YAML run config to time.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(config: Path | None, as_json: bool) -> None:
    """Tell what this machine has and how many images a second it explains.

    Paste what it prints into a bug report. The speed is of explaining alone, timed for two seconds
    on made-up images; reading and writing go on beside it.
    """
    settled = load_config(config, {})
    import_tensorflow()
    facts = {**_software(), **_machine(), **_places(), **_speed(settled)}
    if as_json:
        print_lines(json.dumps(facts) + "\n")
        return
    width = max(map(len, facts))
    print_lines("".join(f"{name:{width}}  {value}\n" for name, value in facts.items()))


def _software() -> dict[str, Any]:
    found = {"sgcampp": __version__, "python": platform.python_version()}
    for name in PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed under this name"
    return found


def _machine() -> dict[str, Any]:
    import tensorflow as tf

    gpus = tf.config.list_physical_devices("GPU")
    names = [tf.config.experimental.get_device_details(gpu).get("device_name") for gpu in gpus]
    info = Path("/proc/cpuinfo")
    text = info.read_text("utf-8", "replace") if info.exists() else ""
    model = next((line for line in text.splitlines() if line.startswith("model name")), "")
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    return {
        "system": platform.platform(),
        "processor": model.partition(":")[2].strip() or platform.machine(),
        "cores": cores,
        "bfloat16 in hardware": "avx512_bf16" in text or "amx_bf16" in text,
        "GPUs": ", ".join(map(str, names)) or "none",
        "TensorFlow's threads": tf.config.threading.get_intra_op_parallelism_threads() or cores,
    }


def _places() -> dict[str, Any]:
    from platformdirs import user_cache_path

    here = shutil.disk_usage(Path.cwd())
    return {
        "cache": str(user_cache_path("sgcampp")),
        "free disk here": f"{here.free / 2**30:.1f} GiB",
    }


def _speed(config: RunConfig) -> dict[str, Any]:
    from sgcampp.run.speed import images_a_second

    speed = images_a_second(config, SECONDS)
    name = f"images a second ({config.model}, {', '.join(config.method)}, n = {config.nsamples})"
    return {name: float(f"{speed:.3g}")}
