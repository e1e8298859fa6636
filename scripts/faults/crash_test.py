"""Kills real runs with SIGKILL at random moments, resumes them, and compares what came of it.

The final tree must equal that of an uninterrupted run byte for byte (arrays and pictures), with
every image once in the manifest and no temporary file left. Exit code 0 if it does.
"""

import argparse
import hashlib
import random
import subprocess
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Iterable
from pathlib import Path

from scripts.generated_images import generate_images
from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import part_names, scan
from sgcampp.tree.rows import from_line

SGCAMPP = str(Path(sys.executable).parent / "sgcampp")
LONGEST_WAIT = 8.0


def command(source: Path, out: Path | str, shard: str | None, tolerance: float | None) -> list[str]:
    """One run on the embedded model, at a layer where smoothing acts."""
    line = [SGCAMPP, "explain", str(source), "-o", str(out)]
    line += ["--layer-name", "block15_expand_act"]
    if tolerance is None:
        line += ["--nsamples", "2", "--batch-size", "8"]
    else:
        line += ["--nsamples", "60", "--batch-size", "24", "--tolerance", f"{tolerance}"]
    return line + (["--shard", shard] if shard else [])


def rows_in(out: Path) -> int:
    """Whole rows in all parts of a manifest."""
    return sum(part.read_bytes().count(b"\n") for part in out.glob("manifest/*.jsonl"))


def run_and_kill(lines: list[list[str]], out: Path, rng: random.Random) -> int:
    """Starts runs, kills each at a random moment; returns how many were killed while at work."""
    started = [
        subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        for line in lines
    ]
    killed = 0
    for process in started:
        begin, rows = time.monotonic(), rows_in(out)
        # Half of the kills at any time from the start on, half of them among the rows.
        wait = rng.uniform(0, LONGEST_WAIT) if rng.random() < 0.5 else LONGEST_WAIT
        more = rng.randint(1, 6)
        while process.poll() is None and time.monotonic() - begin < wait:
            if rows_in(out) >= rows + more:
                time.sleep(rng.uniform(0, 0.1))
                break
            time.sleep(0.003)
        if process.poll() is None:
            process.kill()
            killed += 1
        process.wait()
    return killed


def digests(out: Path) -> dict[str, str]:
    """SHA-256 of every array and picture of a tree, by path."""
    return {
        str(path.relative_to(out)): hashlib.sha256(path.read_bytes()).hexdigest()
        for kind in ("arrays", "heatmaps", "overlays")
        for path in sorted((out / kind).rglob("*"))
        if path.is_file()
    }


def problems(out: Path, whole: Path, images: int, mended: Iterable[str] = ()) -> list[str]:
    """What is wrong with a tree that was killed and resumed; `mended`: images tried again."""
    found = []
    if digests(out) != digests(whole):
        found.append("files differ from those of the uninterrupted run")
    store = LocalStore(out)
    rows = (row for part in part_names(store) for _, row in scan(store, part, from_line))
    counts = Counter(row.key for row in rows)
    counts.subtract(set(mended))
    if len(counts) != images:
        found.append(f"{len(counts)} images in the manifest, not {images}")
    found += [f"{key} stands {n} times in the manifest" for key, n in counts.items() if n > 1]
    found += [f"{path} was left behind" for path in out.rglob("*.tmp")]
    return found


def main() -> int:
    """Runs the test and prints a verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--kills", type=int, default=40, help="kills of runs at work")
    parser.add_argument("--images", type=int, default=400)
    parser.add_argument("--shards", type=int, default=1, help="processes at once")
    parser.add_argument("--tolerance", type=float, help="of runs that find n image by image")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    with tempfile.TemporaryDirectory() as directory:
        source, out, whole = (Path(directory) / name for name in ("images", "out", "whole"))
        generate_images(source, options.images)
        quiet = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
        subprocess.run(command(source, whole, None, options.tolerance), check=True, **quiet)  # type: ignore[call-overload]
        shards = [f"{i}/{options.shards}" for i in range(1, options.shards + 1)]
        lines = [
            command(source, out, shard if options.shards > 1 else None, options.tolerance)
            for shard in shards
        ]
        kills = 0
        while kills < options.kills:
            kills += run_and_kill(lines, out, rng)
            print(f"{kills} kills, {rows_in(out)} of {options.images} images", flush=True)
        for line in lines:
            subprocess.run(line, check=True, **quiet)  # type: ignore[call-overload]
        verified = subprocess.run([SGCAMPP, "verify", str(out)], check=False).returncode
        found = problems(out, whole, options.images) + ["sgcampp verify complains"] * verified
    print("\n".join(found) or f"ok: {kills} kills, the same tree as without any")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
