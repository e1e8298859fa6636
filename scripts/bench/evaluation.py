"""The whole of `sgcampp evaluate --preset standard` over its bare forward passes, in time.

Usage: python -m scripts.bench.evaluation [--images 100] [--methods grad_cam_pp] [--repeats 1]

The command is run as a user runs it, without boxes: it starts TensorFlow, loads the model, reads
photographs and maps, draws the reference maps, scores, measures, writes rows, statistics and the
page. Maps are counted with the reference maps beside the methods': one method has five, so that an
image has six maps. Forward passes are as many as the evaluation asks for, in batches of the same
B, of inputs that are on the device; the model is traced with its weights as constants, as the
evaluation traces it, and as Keras calls it. Parts of them are run before and after the command and
stand for all. The last figure is how many processors other processes kept busy meanwhile: well
above 0, the ratios say nothing.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np

from scripts.generated_images import generate_images
from scripts.machine import busy_seconds, machine_facts, shown

SGCAMPP = Path(sys.executable).with_name("sgcampp")
LAYER = "block15_expand_act"
PART = 1 / 20
"""Of the forward passes, each before and after the command."""


def explain(home: Path, options: argparse.Namespace) -> Path:
    """An output tree with maps of photographs."""
    generate_images(home / "images", options.images)
    words = ["--method", options.methods, "--layer-name", LAYER, "--nsamples", "4"]
    line: list[Any] = [SGCAMPP, "explain", home / "images", "-o", home / "out", *words]
    subprocess.run([*line, "--write", "arrays"], check=True, capture_output=True)
    return home / "out"


def forward_passes(frozen: bool, batch_size: int) -> Callable[[], Any]:
    """One batch of the embedded model's bare forward passes."""
    import tensorflow as tf

    from sgcampp import load_model
    from sgcampp.engine.frozen import frozen_weights

    classifier = load_model("efficientnet-lite0")
    model, shape = classifier.model, classifier.input_shape

    def forward(images: tf.Tensor) -> tf.Tensor:
        if not frozen:
            return model(images, training=False)
        with frozen_weights(model):
            return model(images, training=False)

    traced = tf.function(forward, autograph=False)
    traced = traced.get_concrete_function(tf.TensorSpec([None, *shape], tf.float32))
    x = tf.constant(np.random.default_rng(0).uniform(-1, 1, (batch_size, *shape)), tf.float32)
    return lambda: traced(x).numpy()


def seconds_of(work: Callable[[], Any], times: int) -> float:
    """How long it takes so many times, after a warm-up."""
    work()
    begin = time.perf_counter()
    for _ in range(times):
        work()
    return time.perf_counter() - begin


def evaluate(out: Path) -> tuple[float, float, int]:
    """Seconds, and processor seconds, of the command on a tree that has no evaluation; its maps."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([SGCAMPP, "evaluate", out], check=True, capture_output=True)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    part = out / "evaluation/part-00000.jsonl"
    maps = part.read_bytes().count(b"\n")
    for file in (out / "evaluation").iterdir():
        file.unlink()
    return seconds, used, maps


def measure(out: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Ratios of some repeats."""
    from sgcampp.evaluation.opening import Options
    from sgcampp.evaluation.running import Evaluation

    evaluation = Evaluation(out, Options())
    passes, batch_size = evaluation.cost().passes, evaluation.request.batch_size
    works = {name: forward_passes(name == "frozen", batch_size) for name in ("frozen", "plain")}
    batches = -(-passes // batch_size)
    part = max(1, round(PART * batches))
    found: dict[str, list[float]] = {name: [] for name in (*works, "seconds", "others")}
    maps = 0
    for _ in range(options.repeats):
        begin, busy, own = time.perf_counter(), busy_seconds(), time.process_time()
        taken = {name: seconds_of(work, part) for name, work in works.items()}
        seconds, used, maps = evaluate(out)
        for name, work in works.items():
            bare = (taken[name] + seconds_of(work, part)) * batches / (2 * part)
            found[name].append(seconds / bare)
        own = time.process_time() - own + used
        others = busy_seconds() - busy - own
        found["seconds"].append(seconds)
        found["others"].append(max(0.0, others / (time.perf_counter() - begin)))
    return {"maps": maps, "passes": passes, "batch_size": batch_size, **found}


def main() -> None:
    """Prints the ratios."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--images", type=int, default=100)
    parser.add_argument("--methods", default="grad_cam_pp")
    parser.add_argument("--repeats", type=int, default=1)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        found = {**vars(options), **measure(explain(Path(directory), options), options)}
    if options.json:
        print(json.dumps({**found, "machine": machine_facts()}))
        return
    print(f"# {shown(machine_facts())}")
    print("{images} photographs, {maps} maps, {passes} passes, B={batch_size}".format(**found))
    for name, words in (("frozen", "with weights as constants"), ("plain", "as Keras calls it")):
        ratios = found[name]
        print(
            f"{statistics.median(ratios):.3f} (least {min(ratios):.3f}) × the forward passes of "
            f"the model {words}"
        )
    print(f"others' processors: {max(found['others']):.2f}")


if __name__ == "__main__":
    main()
