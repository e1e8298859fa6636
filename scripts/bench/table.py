"""How long a table of a million maps takes, and in what memory, with and without an evaluation.

The manifest and the evaluation are real, as a run and `evaluate` write them, a map an image; each
format is written by a process of its own.
"""

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from scripts.bench.resume import row
from scripts.machine import machine_facts, shown
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.evaluation.rows import to_line as to_evaluation_line
from sgcampp.tree.rows import to_line

LIMIT_SECONDS, LIMIT_MEGABYTES = 60.0, 1000.0
METRICS = ("insertion", "deletion", "average_drop", "entropy")
RUN_YAML = {"write": ["arrays", "heatmaps", "overlays"], "recorded": {
    "model_fingerprint": "0" * 64, "layers": ["block15_expand_act"], "batch_size": 16,
    "images_per_step": 2, "frozen": True, "images": 1, "target_sha256": None, "versions": {},
}}  # fmt: skip
CODE = r"""
import re, sys
from cli.main import main
main(sys.argv[1:], standalone_mode=False)
print(re.search(r"VmHWM:\s*(\d+)", open("/proc/self/status").read())[1])
"""


def make_tree(out: Path, images: int, evaluated: bool) -> None:
    """An output tree without files, and its evaluation with two reference maps an image."""
    for directory in ("manifest", "evaluation"):
        (out / directory).mkdir(parents=True)
    (out / "run.yaml").write_text(json.dumps(RUN_YAML))
    source = out / "source.jpg"
    source.write_bytes(b"stand-in")
    pattern = to_line(row("@key@", source))
    measured = dict.fromkeys(METRICS, 0.123456789)
    one = EvaluationRow(
        key="@key@",
        method="smooth_grad_cam_pp",
        layer="block15_expand_act",
        class_idx=281,
        metrics=measured,
        curves={"insertion_curve": [0.5] * 21},
        of_image=3,
    )
    block = b"".join(
        to_evaluation_line(each)
        for each in (one, replace(one, method="ref_ones"), replace(one, method="ref_random"))
    )
    _write(out / "manifest/part-00000.jsonl", pattern, images)
    if evaluated:
        (out / "evaluation/evaluation.yaml").write_text(json.dumps({"metrics": METRICS}))
        _write(out / "evaluation/part-00000.jsonl", block, images)


def _write(path: Path, pattern: bytes, images: int) -> None:
    with path.open("wb") as file:
        for n in range(images):
            key = f"{n // 1000:06d}/image-{n:09d}.jpg"
            file.write(pattern.replace(b"@key@", key.encode()))


def measure(out: Path, form: str) -> tuple[float, float]:
    """Seconds and megabytes of `sgcampp table`, its start included."""
    file = out / f"table.{form}"
    begin = time.perf_counter()
    done = subprocess.run(
        [sys.executable, "-c", CODE, "table", str(out), "-o", str(file)],
        check=True,
        capture_output=True,
        text=True,
    )
    seconds = time.perf_counter() - begin
    file.unlink()
    return seconds, float(done.stdout) / 1e3


def main() -> int:
    """Prints seconds and megabytes; exits with 1 beyond the limits."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--formats", default="csv,parquet,jsonl")
    options = parser.parse_args()
    print(f"# {shown(machine_facts())}")
    fine = True
    for evaluated in (False, True):
        with tempfile.TemporaryDirectory() as directory:
            make_tree(Path(directory), options.images, evaluated)
            for form in options.formats.split(","):
                seconds, megabytes = measure(Path(directory), form)
                words = "with an evaluation" if evaluated else "without an evaluation"
                print(
                    f"{options.images} maps {words}, {form}: {seconds:.1f} s, {megabytes:.0f} MB",
                    flush=True,
                )
                within = seconds < LIMIT_SECONDS and megabytes < LIMIT_MEGABYTES
                fine = fine and (evaluated or within)
    return 0 if fine else 1


if __name__ == "__main__":
    sys.exit(main())
