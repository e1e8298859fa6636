"""Holds the output trees of two commits against each other, byte by byte.

Usage: python -m scripts.faults.same_bytes BEFORE [AFTER]

Each commit is checked out beside the other and explains the same four photographs and a broken one,
in several runs: all methods, two layers, two classes, feature maps, neurons, several settings at
once. Times may differ, nothing else.
"""

import argparse
import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import yaml

from scripts.photographs import copy_photographs

GRADIENTS = (
    "smooth_grad_cam_pp,grad_cam_pp,grad_cam,smooth_grad_cam,layer_cam,hires_cam,gradient,"
    "smooth_grad,input_x_gradient,integrated_gradients,guided_backprop,deconvnet,guided_grad_cam_pp"
)
LAYERS = "block15_expand_act,block10_expand_act"
WRITE = "arrays,heatmaps,overlays,panels"
RUNS = {
    "methods": ["--method", GRADIENTS, "--layer-name", LAYERS, "--target", "top2"],
    "pooled": ["--method", "cam,grad_cam_pp,smooth_grad_cam_pp", "--filters", "10,32,3"],
    "filters": ["--layer-name", LAYERS, "--filters", "10,32,3", "--target", "top1-vs-top2"],
    "region": ["--layer-name", LAYERS, "--region", "--subset", "0,1 4,5", "--method", GRADIENTS],
    "across": [
        *("--layer-name", "block10_expand_act", "--across", "nsamples=0,3"),
        *("--across", "score=exp_logit,logit", "--across", "average=derivatives,maps"),
        *("--across", "activations=clean,mean", "--target", "p>0.1"),
    ],
}
MAIN = "import sys; sys.path.insert(0, {root!r}); from cli.main import main; main()"


def main() -> int:
    """Prints what differs; exits with 1 if anything does."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("before", help="a commit")
    parser.add_argument("after", nargs="?", default="HEAD", help="a commit  [HEAD]")
    options = parser.parse_args()
    found: list[str] = []
    with tempfile.TemporaryDirectory() as directory:
        photographs = Path(directory, "photographs")
        copy_photographs(photographs)
        (photographs / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
        for name, flags in RUNS.items():
            trees: list[Path] = []
            for commit in (options.before, options.after):
                with checked_out(commit) as root:
                    trees.append(Path(directory, f"{name}-{len(trees)}"))
                    explain(root, photographs, trees[-1], flags)
            differing, files = differences(*trees)
            print(f"{name}: {files} files compared, {len(differing)} differ", flush=True)
            found += [f"{name}: {path}" for path in differing]
    print("\n".join(found[:50]) if found else "the same bytes, times apart")
    return 1 if found else 0


@contextmanager
def checked_out(commit: str) -> Iterator[Path]:
    """A commit's files in a directory of their own."""
    with tempfile.TemporaryDirectory() as directory:
        root = Path(directory, "checkout")
        subprocess.run(["git", "worktree", "add", "--detach", "-q", str(root), commit], check=True)
        try:
            yield root
        finally:
            subprocess.run(["git", "worktree", "remove", "--force", str(root)], check=True)


def explain(root: Path, photographs: Path, out: Path, flags: list[str]) -> None:
    """One run of a checkout's own command; the broken image makes it exit with 1."""
    line = [sys.executable, "-c", MAIN.format(root=str(root)), "explain", str(photographs)]
    settings = ["--nsamples", "4", "--ig-steps", "5", "--batch-size", "6", "--write", WRITE]
    line += ["-o", str(out), *settings, *flags]
    done = subprocess.run(line, check=False, cwd=root, capture_output=True)
    if done.returncode != 1:
        raise SystemExit(f"{out.name} ended with {done.returncode}: {done.stderr.decode()}")


def differences(before: Path, after: Path) -> tuple[list[str], int]:
    """Paths that differ, and how many there are in all."""
    names = {
        str(path.relative_to(tree))
        for tree in (before, after)
        for path in tree.rglob("*")
        if path.is_file() and path.suffix != ".lock"
    }
    return [name for name in sorted(names) if not same(before / name, after / name)], len(names)


def same(one: Path, other: Path) -> bool:
    """Whether two files say the same; in rows and run.yaml, times, places and versions apart."""
    if not one.exists() or not other.exists():
        return False
    if one.suffix == ".jsonl":
        return rows(one) == rows(other)
    if one.name == "run.yaml":
        return settings(one) == settings(other)
    return one.read_bytes() == other.read_bytes()


def rows(path: Path) -> list[dict[str, Any]]:
    """A manifest's rows without their times."""
    found = [json.loads(line) for line in path.read_text().splitlines()]
    return [{k: v for k, v in row.items() if k not in {"seconds", "finished"}} for row in found]


def settings(path: Path) -> dict[str, Any]:
    """What run.yaml says, without the output directory and a number that nobody read."""
    values = yaml.safe_load(path.read_text())
    values["recorded"].pop("passes", None)
    return {**values, "out": None}


if __name__ == "__main__":
    sys.exit(main())
