"""How long `sgcampp report` takes for 10,000 images, and how quickly its page answers a filter.

The tree is generated: small pictures, 7 × 7 arrays, a manifest row an image as a run writes it, in
folders called as classes, of which three in ten images are not; and an evaluation. The page is
measured in headless Chromium by its own clock: from the event to the end of its handler with the
new layout, and to the next frame.
"""

import argparse
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import yaml
from selenium.webdriver import Chrome

from scripts.chromium import chromium
from sgcampp.config.run_config import RunConfig
from sgcampp.evaluation.rows import EvaluationRow, to_line
from sgcampp.pictures.writers import FinishedMap, encode
from sgcampp.report.page import PAGE
from sgcampp.run.run_file import run_yaml
from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.rows import FAILED, OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord, versions

CLASSES, RIGHT = 1000, 0.7
FILTERS = (
    ("class", "281 class 281"),
    ("class", ""),
    ("text", "77"),
    ("text", ""),
    ("low", "12"),
    ("low", ""),
    ("status", "failed"),
    ("status", ""),
    ("sort", "concentration"),
    ("sort", "name"),
    ("direction", "-1"),
    ("sort", "metric insertion"),
    ("most", "2"),
    ("most", ""),
    ("truth", "wrong"),
    ("truth", ""),
    ("group", "class"),
    ("group", "truth"),
    ("group", ""),
)
METRICS = ("average_drop", "average_increase", "insertion", "deletion", "sharpness", "complexity")
PEAK = """
import resource, subprocess, sys
subprocess.run(sys.argv[1:], check=True)
print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss)
"""
"""From a small process: what is forked off this one would count its memory."""
MEASURE = """
    const [name, value, done] = arguments;
    const control = document.querySelector("#filters").elements[name];
    control.value = value;
    const begin = performance.now();
    const event = new Event(control.matches("select") ? "change" : "input", { bubbles: true });
    control.dispatchEvent(event);
    document.body.offsetHeight;
    const handled = performance.now() - begin;
    const found = document.querySelector("#found").textContent;
    const answer = () => done([handled, performance.now() - begin, found]);
    requestAnimationFrame(() => setTimeout(answer));
"""


def generate(out: Path, count: int) -> None:
    """Writes an output tree of `count` images; every fiftieth has failed."""
    rng = np.random.default_rng(0)
    record = RunRecord(
        model_fingerprint="0" * 64,
        layers=["block14_expand_act"],
        batch_size=16,
        images_per_step=2,
        frozen=False,
        images=count,
        target_sha256=None,
        versions=versions(),
    )
    out.mkdir()
    (out / RUN_YAML).write_bytes(run_yaml(RunConfig(sources=["photos"], nsamples=8), record))
    with manifest_writer(LocalStore(out), "manifest/part-00000.jsonl") as manifest:
        for first in range(0, count, 1000):
            numbers = range(first, min(first + 1000, count))
            rows = [row(out, number, rng) for number in numbers]
            manifest.append(rows)
            evaluate(out, rows, rng)


def evaluate(out: Path, rows: list[Row], rng: np.random.Generator) -> None:
    """Writes rows of an evaluation, a value a metric."""
    directory = out / "evaluation"
    directory.mkdir(exist_ok=True)
    (directory / "evaluation.yaml").write_text(yaml.safe_dump({"metrics": list(METRICS)}))
    with (directory / "part-00000.jsonl").open("ab") as part:
        for one in rows:
            for made in one.maps:
                values = dict(zip(METRICS, rng.random(len(METRICS)).tolist(), strict=True))
                named = one.key, made.method or "", made.layer or ""
                part.write(to_line(EvaluationRow(*named, class_idx=made.class_idx, metrics=values)))


def row(out: Path, number: int, rng: np.random.Generator) -> Row:
    """One image's row, with its files."""
    class_idx, other = rng.integers(CLASSES, size=2).tolist()
    label = class_idx if rng.random() < RIGHT else other
    key = f"class {label}/image-{number:06d}.jpg"
    if number % 50 == 49:
        return Row(key, FAILED, reason="corrupt", error="it ends too early", finished=1.7e9)
    image = np.full((48, 64, 3), rng.integers(0, 256, 3), np.uint8)
    finished = FinishedMap(rng.random((7, 7), np.float32) ** 4, image)
    files = {"arrays": f"arrays/{key}.npy", "overlays": f"overlays/{key}.png"}
    for kind, path in files.items():
        (out / path).parent.mkdir(parents=True, exist_ok=True)
        (out / path).write_bytes(encode(kind, finished))
    made = MapRow(
        files=files,
        sha256=dict.fromkeys(files, "0" * 64),
        class_idx=class_idx,
        class_name=f"class {class_idx}",
        score=float(rng.normal(9, 3)),
        probability=float(rng.random()),
        method="smooth_grad_cam_pp",
        layer="block14_expand_act",
        shape=[7, 7],
        affine_head=False,
        nsamples=8,
        log_scale=13.5791357,
        ess=float(rng.uniform(1, 8)),
        relative_se=float(rng.uniform(0.005, 0.05)),
        guarded=3,
    )
    return Row(
        key,
        OK,
        sha256="0" * 64,
        bytes=123456,
        mtime_ns=1_700_000_000_000_000_000,
        view=[0.0, 0.0, 48.0, 64.0],
        seconds=0.123456,
        finished=1.7e9 + number,
        maps=[made],
    )


def measure(driver: Chrome, path: Path, repeats: int) -> None:
    """Prints the time until the list stands, and each filter's."""
    begin = time.perf_counter()
    driver.get(path.as_uri())
    print(f"opened in {time.perf_counter() - begin:.2f} s")
    times: dict[tuple[str, str], list[Any]] = {which: [] for which in FILTERS}
    for _ in range(repeats):
        for which in FILTERS:
            times[which].append(driver.execute_async_script(MEASURE, *which))
    print(f"{'filter':26} {'handler':>12} {'worst':>8} {'to frame':>9}  milliseconds")
    for (name, value), measured in times.items():
        handled, framed, found = zip(*measured, strict=True)
        print(
            f"{name + '=' + value:26} {statistics.median(handled):12.1f} {max(handled):8.1f} "
            f"{statistics.median(framed):9.1f}  {found[-1]}"
        )
    worst = max(handled for measured in times.values() for handled, *_ in measured)
    print(f"slowest handler with its layout: {worst:.1f} ms")


def main() -> None:
    """Prints what the report costs, and how quickly it answers."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=10_000)
    parser.add_argument("--repeats", type=int, default=7)
    options = parser.parse_args()
    cv2.setNumThreads(1)
    with tempfile.TemporaryDirectory() as directory:
        out = Path(directory, "out")
        generate(out, options.images)
        begin = time.perf_counter()
        command = Path(sys.executable).with_name("sgcampp")
        line = [sys.executable, "-c", PEAK, str(command), "report", str(out)]
        told = subprocess.run(line, stdout=subprocess.PIPE, check=True, text=True).stdout
        seconds, megabytes = time.perf_counter() - begin, int(told.split()[-1]) / 1e3
        path = out / PAGE
        print(
            f"{options.images} images: written in {seconds:.2f} s with {megabytes:.0f} MB resident "
            f"at most, a page of {path.stat().st_size / 1e6:.1f} MB"
        )
        with chromium() as driver:
            measure(driver, path, options.repeats)


if __name__ == "__main__":
    main()
