"""The machine's facts that stand beside every measurement."""

import os
import platform
from pathlib import Path
from typing import Any


def machine_facts() -> dict[str, Any]:
    """Processor, cores, bfloat16 support and versions."""
    import keras
    import tensorflow as tf

    cpu, flags = platform.processor(), ""
    info = Path("/proc/cpuinfo")
    if info.exists():
        lines = info.read_text().split("\n\n", maxsplit=1)[0].splitlines()
        pairs = (line.partition(":") for line in lines)
        fields = {name.strip(): value.strip() for name, _, value in pairs}
        cpu, flags = fields.get("model name", cpu), fields.get("flags", "")
    return {
        "processor": cpu,
        "cores": len(os.sched_getaffinity(0)),
        "avx512_bf16": "avx512_bf16" in flags,
        "gpus": len(tf.config.list_physical_devices("GPU")),
        "tensorflow": tf.__version__,
        "keras": keras.__version__,
    }


def shown(facts: dict[str, Any]) -> str:
    """The facts on one line."""
    return ", ".join(f"{name} {value}" for name, value in facts.items())


def busy_seconds() -> float:
    """Processor seconds that all processes of the machine have taken so far."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")
