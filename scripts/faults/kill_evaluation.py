"""Kills evaluations at random moments, resumes them, and holds their rows against a whole one's.

Usage: python -m scripts.faults.kill_evaluation [--kills 20] [--images 12]
"""

import argparse
import json
import random
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.generated_images import generate_images

SGCAMPP = Path(sys.executable).parent / "sgcampp"
METHODS = ["--method", "grad_cam,grad_cam_pp,smooth_grad_cam_pp", "--nsamples", "4"]
LINE = ["--steps", "5"]


def rows(out: Path) -> dict[tuple, dict[str, Any]]:
    """The rows that hold, by map, without their times."""
    holding: dict[tuple, dict[str, Any]] = {}
    for part in sorted((out / "evaluation").glob("part-*.jsonl")):
        for line in part.read_bytes().split(b"\n")[:-1]:
            row = json.loads(line)
            key = row["key"], row["method"], row["layer"], row["target"]
            if key not in holding or row["finished"] >= holding[key]["finished"]:
                holding[key] = row
    return {key: {**row, "finished": 0} for key, row in holding.items()}


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


def main() -> int:
    """Prints what differs; exits with 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=20)
    parser.add_argument("--images", type=int, default=12)
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as directory:
        generate_images(Path(directory, "images"), options.images)
        whole, killed = Path(directory, "whole"), Path(directory, "killed")
        explain: list[Any] = [SGCAMPP, "explain", Path(directory, "images"), "-o", whole, *METHODS]
        subprocess.run([*explain, "--write", "arrays"], check=True, capture_output=True)
        shutil.copytree(whole, killed)
        subprocess.run([SGCAMPP, "evaluate", whole, *LINE], check=True, capture_output=True)
        kills = 0
        while kills < options.kills:
            if is_killed(killed, rng):
                kills += 1
            else:
                shutil.rmtree(killed / "evaluation")
        subprocess.run([SGCAMPP, "evaluate", killed, *LINE], check=True, capture_output=True)
        same = rows(whole) == rows(killed)
        count = len(rows(whole))
    word = "the same" if same else "OTHER"
    print(f"{kills} kills: {word} {count} rows as without any, times apart")
    return 0 if same else 1


if __name__ == "__main__":
    sys.exit(main())
