"""Seconds and memory of `sgcampp evaluate` where all rows are there: statistics and page alone.

The rows are synthetic: methods and reference maps of many images, with curves, and with the
evidence of the metrics that are pooled over images. The command is run as a user runs it, so
starting TensorFlow, loading the model and reading the rows count.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from scripts.machine import machine_facts, shown
from sgcampp.config.run_config import RunConfig
from sgcampp.evaluation.presets import CURVE_NAMES, PRESETS
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.metrics.catalogue import METRICS, REFERENCES
from sgcampp.models.loading import load_model
from sgcampp.run.run_file import run_yaml
from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.rows import OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord, versions

LAYER = "block15_expand_act"
METHODS = (
    *("grad_cam_pp", "grad_cam", "smooth_grad_cam_pp"),
    *("smooth_grad_cam", "layer_cam", "hires_cam"),
)
STEPS = 20


def generate(out: Path, images: int, methods: Sequence[str]) -> None:
    """Writes an output tree whose maps are all evaluated, without its pictures and arrays."""
    record = RunRecord(
        model_fingerprint=load_model("efficientnet-lite0").fingerprint,
        layers=[LAYER],
        batch_size=16,
        images_per_step=2,
        frozen=False,
        images=images,
        target_sha256=None,
        versions=versions(),
    )
    (out / "evaluation").mkdir(parents=True)
    config = RunConfig(sources=["photos"], method=list(methods), write=["arrays"])
    (out / RUN_YAML).write_bytes(run_yaml(config, record))
    keys = [f"photos/{number:06d}.jpg" for number in range(images)]
    with manifest_writer(LocalStore(out), "manifest/part-00000.jsonl") as manifest:
        manifest.append([explained(key, methods) for key in keys])
    with (out / "evaluation/part-00000.jsonl").open("w") as part:
        for line in evaluated(keys, [*methods, *REFERENCES]):
            part.write(line)


def explained(key: str, methods: Sequence[str]) -> Row:
    """The manifest's row of an image."""
    maps = [
        MapRow({"arrays": f"arrays/{key}.{method}.npy"}, class_idx=7, method=method, layer=LAYER)
        for method in methods
    ]
    return Row(key, OK, sha256="0" * 64, view=[0.0, 0.0, 224.0, 224.0], finished=1.7e9, maps=maps)


def evaluated(keys: Sequence[str], methods: Sequence[str]) -> Iterator[str]:
    """The evaluation's lines: methods differ by a hundredth, images by much more."""
    rng = np.random.default_rng(0)
    for key in keys:
        of_image = rng.normal(0, 1, len(PRESETS["standard"]))
        for place, method in enumerate(methods):
            row = EvaluationRow(key, method, LAYER, class_idx=7, p0=0.5, logit0=9.0, finished=1.7e9)
            goodness = of_image + rng.normal(place / 100, 0.3, len(of_image))
            said = {**asdict(row), "of_image": len(methods), **measured(rng, goodness)}
            yield json.dumps(said, allow_nan=False, separators=(",", ":")) + "\n"


def measured(rng: np.random.Generator, goodness: np.ndarray) -> dict[str, Any]:
    """Metrics, evidence and curves of a map that is so good (about standard normal)."""
    metrics, evidence = {}, {}
    for name, good in zip(PRESETS["standard"], goodness, strict=True):
        share = float(1 / (1 + np.exp(-good)))
        if METRICS[name].pool is None:
            share = float(good > 0) if METRICS[name].yes_no else share
            metrics[name] = share * (100 if METRICS[name].unit == "%" else 1)
        elif name == "max_box_acc":
            right = rng.random((3, 100)) < share * np.array([[0.8], [0.5], [0.2]])
            evidence[name] = right.astype(int).tolist()
        else:
            rising = 1 + np.arange(101) * [[share], [1 - share]]
            evidence[name] = rng.poisson(rising * 50).tolist()
    shares = np.arange(STEPS + 1) / STEPS
    curves = {name: (share + (1 - share) * shares * rng.random()).tolist() for name in CURVE_NAMES}
    return {
        "metrics": metrics,
        "evidence": evidence,
        "curves": {**curves, "shares": shares.tolist()},
    }


def main() -> None:
    """Prints what the command costs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--methods", type=lambda text: text.split(","), default=list(METHODS))
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "out")
        generate(out, options.images, options.methods)
        size = (out / "evaluation/part-00000.jsonl").stat().st_size
        command: list[Any] = [
            Path(sys.executable).with_name("sgcampp"),
            "evaluate",
            out,
            "--metrics",
        ]
        begin = time.perf_counter()
        subprocess.run(
            [*command, ",".join(PRESETS["standard"])], stdout=subprocess.DEVNULL, check=True
        )
        seconds = time.perf_counter() - begin
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    series = len(options.methods) + len(REFERENCES)
    print(f"# {shown(machine_facts())}")
    print(
        f"{options.images} images, {series} maps each ({len(options.methods)} of methods), "
        f"{size / 1e6:.0f} MB of rows: {seconds:.1f} s, {used.ru_utime + used.ru_stime:.1f} s of a "
        f"processor, {used.ru_maxrss / 1e3:.0f} MB resident at most"
    )


if __name__ == "__main__":
    main()
