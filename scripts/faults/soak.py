"""Watches the resident memory of a long run, as CSV on stdout and a one-line verdict on stderr.

The verdict is good (exit code 0) if the mean of the last half differs from that of the middle
(from a quarter to half of the run) by at most 2 %.
"""

import argparse
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.generated_images import generate_images

SGCAMPP = str(Path(sys.executable).parent / "sgcampp")
TOLERANCE = 0.02


def save_tiny_model(path: Path) -> None:
    """A small convolutional classifier, saved as .keras."""
    import keras

    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((64, 64, 3)),
            layers.Rescaling(1 / 255),
            layers.Conv2D(16, 3, strides=2, activation="relu", name="early"),
            layers.Conv2D(32, 3, strides=2, activation="relu", name="features"),
            layers.Flatten(),
            layers.Dense(32, activation="relu"),
            layers.Dense(10, activation="softmax"),
        ]
    )
    model.save(path)


def resident_megabytes(pid: int) -> float:
    """Resident memory of a process; 0 once it has ended."""
    try:
        pages = int(Path(f"/proc/{pid}/statm").read_text().split()[1])
    except (OSError, IndexError):
        return 0.0
    return pages * 4096 / 1e6


def rows_in(out: Path) -> int:
    """Rows of the manifest."""
    part = out / "manifest" / "part-00000.jsonl"
    return part.read_bytes().count(b"\n") if part.exists() else 0


def watch(line: list[str], out: Path, interval: float) -> list[tuple[float, int, float]]:
    """Runs a command; returns (seconds, images done, megabytes) once an interval."""
    begin = time.monotonic()
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    samples = []
    while process.poll() is None:
        megabytes = resident_megabytes(process.pid)
        samples.append((time.monotonic() - begin, rows_in(out), megabytes))
        print(f"{samples[-1][0]:.1f},{samples[-1][1]},{megabytes:.1f}", flush=True)
        time.sleep(interval)
    if process.returncode:
        sys.exit(f"the run ended with exit code {process.returncode}")
    return samples


def verdict(samples: list[tuple[float, int, float]], images: int) -> tuple[bool, str]:
    """Compares the memory of the last half of the images with that of the quarter before."""
    middle = [mb for _, done, mb in samples if images / 4 <= done < images / 2]
    last = [mb for _, done, mb in samples if done >= images / 2 and mb]
    if not middle or not last:
        return False, "too few samples: more images, or a shorter interval"
    before, after = sum(middle) / len(middle), sum(last) / len(last)
    change = after / before - 1
    sentence = f"{before:.0f} MB in the middle, {after:.0f} MB in the last half ({change:+.2%})"
    return abs(change) <= TOLERANCE, sentence


def main() -> int:
    """Runs the soak test."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=3000)
    parser.add_argument("--model", choices=["tiny", "embedded"], default="tiny")
    parser.add_argument("--nsamples", type=int, default=4)
    parser.add_argument("--interval", type=float, default=0.25, help="seconds between samples")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        source, out = Path(directory, "images"), Path(directory, "out")
        generate_images(source, options.images)
        line = [SGCAMPP, "explain", str(source), "-o", str(out)]
        line += ["--nsamples", str(options.nsamples)]
        if options.model == "tiny":
            save_tiny_model(Path(directory, "tiny.keras"))
            line += ["--model", str(Path(directory, "tiny.keras")), "--layer-name", "features"]
        else:
            line += ["--layer-name", "block15_expand_act"]
        print("seconds,images,resident_mb")
        good, sentence = verdict(watch(line, out, options.interval), options.images)
    print(("flat: " if good else "NOT FLAT: ") + sentence, file=sys.stderr)
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
