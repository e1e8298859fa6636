"""Fills a small file system during a run, then makes one read-only; both runs must resume.

Needs root, for mounting a tmpfs of a few megabytes. Exit code 0 if the runs stop with one sentence
and exit code 3, leave a valid tree, and go on once there is room again.
"""

import subprocess
import sys
import tempfile
from pathlib import Path

from scripts.generated_images import generate_images

SGCAMPP = str(Path(sys.executable).parent / "sgcampp")
IMAGES = 60


def explain(source: Path, out: Path) -> subprocess.CompletedProcess:
    """One run on the embedded model."""
    line = [SGCAMPP, "explain", str(source), "-o", str(out)]
    return subprocess.run(line, capture_output=True, text=True, check=False)


def stopped_well(run: subprocess.CompletedProcess, word: str) -> bool:
    """Whether a run stopped with exit code 3 and a last sentence that has `word`."""
    print(f"exit code {run.returncode}: {run.stderr.strip().splitlines()[-1]}")
    return run.returncode == 3 and word in run.stderr and "Traceback" not in run.stderr


def whole(out: Path) -> bool:
    """Whether every row's files are right, and no other file lies about."""
    run = subprocess.run([SGCAMPP, "verify", str(out)], capture_output=True, text=True, check=False)
    orphans = [line for line in run.stdout.splitlines() if "belongs to no row" not in line]
    return not orphans


def mount(*words: str) -> None:
    """Calls mount."""
    subprocess.run(["mount", *words], check=True)


def main() -> int:
    """Runs both tests."""
    good = True
    with tempfile.TemporaryDirectory() as directory:
        source, disk = Path(directory, "images"), Path(directory, "disk")
        generate_images(source, IMAGES)
        disk.mkdir()
        mount("-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk))
        try:
            out = disk / "out"
            good &= stopped_well(explain(source, out), "No space left")
            good &= whole(out)
            mount("-o", "remount,ro", str(disk))
            good &= stopped_well(explain(source, out), "Read-only")
            mount("-o", "remount,rw,size=50m", str(disk))
            resumed = explain(source, out)
            print(f"exit code {resumed.returncode}: {resumed.stderr.strip().splitlines()[-1]}")
            good &= resumed.returncode == 0 and "done before" in resumed.stderr
            verified = subprocess.run([SGCAMPP, "verify", str(out)], check=False)
            good &= verified.returncode == 0
        finally:
            subprocess.run(["umount", str(disk)], check=False)
    print("ok" if good else "FAILED")
    return 0 if good else 1


if __name__ == "__main__":
    sys.exit(main())
