"""Seconds of xplique's Insertion and Deletion over those of `sgcampp evaluate`, on the same maps.

Usage: python -m scripts.bench.evaluation_peer [--images 24] [--batch-size 16] [--repeats 1]

Both score the embedded model on the same photographs and six maps of each (Grad-CAM++ and its
reference maps), in 20 steps with a black fill, in float32, each as a process of its own, one after
the other: seconds are those of the whole process, with imports, model and maps. xplique 2.0.2 pins
TensorFlow up to 2.20, so it gets an environment of its own (made once). It is given batches of all
images at a step, up to B. The values of Grad-CAM++ are printed beside each other; they differ by
how ties are broken. The last figure is how many processors other processes kept busy meanwhile.
"""

import argparse
import json
import resource
import shutil
import statistics
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np

from scripts.bench.evaluation import SGCAMPP, explain
from scripts.bench.peer_workers import WORKERS, make_environment
from scripts.bench.peers import default_environments
from scripts.machine import busy_seconds, machine_facts, shown
from sgcampp.evaluation.opening import Options, same_model
from sgcampp.evaluation.preparing import PreparedImage, Preparer
from sgcampp.evaluation.reference_maps import ImageTask
from sgcampp.evaluation.running import Evaluation
from sgcampp.tree.open_tree import open_tree

REQUIREMENTS = ("tensorflow==2.20.0", "xplique==2.0.2")
METRICS, STEPS = ("insertion", "deletion"), 20


def options_of(batch_size: int) -> Options:
    """What is evaluated."""
    return Options(metrics=METRICS, steps=STEPS, fill=["black", "black"], batch_size=batch_size)


def prepared_images(out: Path, batch_size: int) -> Iterator[PreparedImage]:
    """The images with the maps that the evaluation scores; each one's partner is the next."""
    tree = open_tree(out)
    request = Evaluation(out, options_of(batch_size)).request
    prepare = Preparer(tree, same_model(tree), request, None)
    rows = sorted(tree.rows(), key=lambda row: row.key)
    for row, partner in zip(rows, [*rows[1:], rows[0]], strict=True):
        found = prepare(ImageTask(row, partner))
        assert isinstance(found, PreparedImage)
        yield found


def hand_over(out: Path, directory: Path, batch_size: int) -> None:
    """Writes the model and the work for xplique."""
    classifier = same_model(open_tree(out))
    classifier.model.save(directory / "model.keras")
    images = list(prepared_images(out, batch_size))
    np.savez(
        directory / "work.npz",
        images=np.stack([image.model_input for image in images]),
        classes=np.array([image.maps[0].row.class_idx for image in images], np.int64),
        black=np.asarray(classifier.black, np.float32),
        maps=np.stack([[one.saliency for one in image.maps] for image in images]).astype("f4"),
    )


def by_xplique(python: Path, directory: Path, batch_size: int) -> tuple[float, list[float]]:
    """Seconds of the process, and what it finds of Grad-CAM++."""
    begin = time.perf_counter()
    script = WORKERS / "insertion_deletion_by_xplique.py"
    line: list[Any] = [python, script, directory, str(STEPS), str(batch_size)]
    said = subprocess.run(line, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    return seconds, [values[0] for values in json.loads(said.stdout)["values"]]


def by_sgcampp(out: Path, batch_size: int) -> tuple[float, list[float]]:
    """The same of `sgcampp evaluate`."""
    begin = time.perf_counter()
    words = ["--metrics", ",".join(METRICS), "--steps", str(STEPS), "--fill", "black,black"]
    words += ["--batch-size", str(batch_size), "--json"]
    line: list[Any] = [SGCAMPP, "evaluate", out, *words]
    said = subprocess.run(line, check=True, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    seconds = time.perf_counter() - begin
    shutil.rmtree(out / "evaluation")
    every = json.loads(said.stdout)["series"]
    (own,) = (one["cells"] for one in every if one["series"]["method"] == "grad_cam_pp")
    return seconds, [own[name]["mean"]["estimate"] for name in METRICS]


def own_seconds() -> float:
    """Processor seconds of this process and those that it has waited for."""
    who = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, who))


def main() -> None:
    """Prints the ratio."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=24)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--environments", type=Path, default=default_environments())
    options = parser.parse_args()
    options.methods = "grad_cam_pp"
    python = make_environment("xplique", REQUIREMENTS, options.environments)
    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        out = explain(home, options)
        hand_over(out, home, options.batch_size)
        begin, busy, ratios = time.perf_counter(), busy_seconds() - own_seconds(), []
        for _ in range(options.repeats):
            theirs, their_values = by_xplique(python, home, options.batch_size)
            ours, our_values = by_sgcampp(out, options.batch_size)
            ratios.append(theirs / ours)
        others = busy_seconds() - own_seconds() - busy
        others /= time.perf_counter() - begin
    print(f"# {shown(machine_facts())}")
    print(f"{options.images} photographs × 6 maps: xplique {theirs:.1f} s, sgcampp {ours:.1f} s")
    print(f"xplique over sgcampp: {statistics.median(ratios):.2f} (least {min(ratios):.2f})")
    for name, their, our in zip(METRICS, their_values, our_values, strict=True):
        print(f"{name} of grad_cam_pp: {their:.4f} by xplique, {our:.4f} by sgcampp")
    print(f"others' processors: {max(0.0, others):.2f}")


if __name__ == "__main__":
    main()
