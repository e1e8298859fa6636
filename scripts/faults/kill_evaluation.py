"""Holds the rows of killed, sharded and otherwise batched evaluations against those of a whole one.

Usage: python -m scripts.faults.kill_evaluation [--kills 20] [--images 12] [--batch-size 7]

Kills come at random moments, each evaluation resumed after them; their rows and those of the shards
1/3, 2/3, 3/3 must be the same, times apart. With another batch size the values must be within 1e-4:
of the whole scale where a metric is a share, of the value's size where it is larger than 1.
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from scripts.generated_images import generate_images
from sgcampp.metrics.catalogue import METRICS

SGCAMPP = Path(sys.executable).parent / "sgcampp"
METHODS = ["--method", "grad_cam,grad_cam_pp,smooth_grad_cam_pp", "--nsamples", "4"]
LINE = ["--steps", "5"]
SHARDS = 3
ALIKE = 1e-4

Rows = dict[tuple, dict[str, Any]]


def rows(out: Path) -> Rows:
    """The rows that hold, by map, without their times."""
    holding: Rows = {}
    for part in sorted((out / "evaluation").glob("part-*.jsonl")):
        for line in part.read_bytes().split(b"\n")[:-1]:
            row = json.loads(line)
            key = row["key"], row["method"], row["layer"], row["target"]
            if key not in holding or row["finished"] >= holding[key]["finished"]:
                holding[key] = row
    return {key: {**row, "finished": 0} for key, row in holding.items()}


def evaluate(out: Path, *words: str) -> None:
    """Evaluates a tree to the end."""
    subprocess.run([SGCAMPP, "evaluate", out, *LINE, *words], check=True, capture_output=True)


def is_killed(out: Path, rng: random.Random) -> bool:
    """Starts an evaluation and kills it while it works; False if it was done before."""
    started = subprocess.Popen(
        [SGCAMPP, "evaluate", out, *LINE], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    part, before = out / "evaluation/part-00000.jsonl", time.monotonic()
    size = part.stat().st_size if part.exists() else 0
    while started.poll() is None and time.monotonic() - before < 60:
        if part.exists() and part.stat().st_size > size:
            time.sleep(rng.uniform(0, 0.3))
            break
        time.sleep(0.01)
    started.kill()
    return started.wait() != 0


def kill_and_resume(out: Path, kills: int, seed: int) -> None:
    """Evaluates a tree through so many kills; one that is done before the last is done again."""
    rng, done = random.Random(seed), 0
    while done < kills:
        if is_killed(out, rng):
            done += 1
        else:
            shutil.rmtree(out / "evaluation")
    evaluate(out)


def differences(first: Rows, second: Rows) -> Iterator[tuple[float, str]]:
    """How far apart the values of each map and metric are, as shares, and which metric it is."""
    for key, row in first.items():
        for name, value in row["metrics"].items():
            scale = 100.0 if METRICS[name].unit == "%" else max(1.0, abs(value))
            yield abs(value - second[key]["metrics"][name]) / scale, name


def main() -> int:
    """Prints what differs; exits with 1 if anything does that must not."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--batch-size", default="7")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        generate_images(home / "images", options.images)
        explain: list[Any] = [SGCAMPP, "explain", home / "images", "-o", home / "explained"]
        subprocess.run([*explain, *METHODS, "--write", "arrays"], check=True, capture_output=True)
        outs = [home / name for name in ("whole", "killed", "sharded", "other")]
        for out in outs:
            shutil.copytree(home / "explained", out)
        whole, killed, sharded, other = outs
        evaluate(whole)
        kill_and_resume(killed, options.kills, options.seed)
        for shard in range(SHARDS):
            evaluate(sharded, "--shard", f"{shard + 1}/{SHARDS}")
        evaluate(other, "--batch-size", options.batch_size)
        found = [rows(out) for out in outs]
    same = [found[0] == others for others in found[1:3]]
    words = ["the same" if is_same else "OTHER" for is_same in same]
    print(f"{options.kills} kills: {words[0]} {len(found[0])} rows as without any, times apart")
    print(f"{SHARDS} shards: {words[1]} rows")
    apart, name = max(differences(found[0], found[3]))
    print(f"batches of {options.batch_size}: at most {apart:.1e} apart, in {name}")
    return 0 if all(same) and apart <= ALIKE else 1


if __name__ == "__main__":
    sys.exit(main())
