"""The whole of `sgcampp evaluate --preset standard` over its bare forward passes, in time.

Usage: python -m scripts.bench.evaluation [--images 100] [--methods grad_cam_pp] [--repeats 1]

The command is run as a user runs it, without boxes: it starts TensorFlow, loads the model, reads
photographs and maps, draws the reference maps, scores, measures, writes rows, statistics and the
page. Maps are counted with the reference maps beside the methods': one method has five, so that an
image has six maps. Forward passes are as many as these maps need, in batches of the same B, of
inputs that are on the device; the model is traced with its weights as constants, as the evaluation
traces it, and as Keras calls it. Parts of them are run before and after the command and stand for
all. The last figure is how many processors other processes kept busy meanwhile: well above 0, the
ratio of times says little; that of processor times then says more, but does not see the device
wait.
"""

import argparse
import json
import resource
import shutil
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
from sgcampp.engine.settings import AUTO_BATCH_SIZE
from sgcampp.evaluation.presets import chosen_metrics, passes_a_map

SGCAMPP = Path(sys.executable).with_name("sgcampp")
LAYER = "block15_expand_act"
REFERENCES = 5
"""Beside methods that do not include both Grad-CAM++ and Smooth Grad-CAM++."""
SHARED, STEPS = 3, 20
"""Passes of an image that its maps share, and steps of curves."""
PART = 1 / 20
"""Of the forward passes, each before and after the command."""


def explain(home: Path, options: argparse.Namespace) -> Path:
    """An output tree with maps of photographs."""
    generate_images(home / "images", options.images)
    words = ["--method", options.methods, "--layer-name", LAYER, "--nsamples", "4"]
    words += ["--write", "arrays", "--batch-size", str(AUTO_BATCH_SIZE)]
    line: list[Any] = [SGCAMPP, "explain", home / "images", "-o", home / "out", *words]
    subprocess.run(line, check=True, capture_output=True)
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


def timed(work: Callable[[], Any], times: int) -> tuple[float, float]:
    """Seconds, and processor seconds, that a piece of work takes, after a warm-up."""
    work()
    begin, used = time.perf_counter(), time.process_time()
    for _ in range(times):
        work()
    return (time.perf_counter() - begin) / times, (time.process_time() - used) / times


def evaluate(out: Path) -> tuple[float, float, int]:
    """Seconds, and processor seconds, of the command on a tree without evaluation; its maps."""
    before, begin = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    subprocess.run([SGCAMPP, "evaluate", out], check=True, capture_output=True)
    seconds = time.perf_counter() - begin
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    used = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    maps = (out / "evaluation/part-00000.jsonl").read_bytes().count(b"\n")
    shutil.rmtree(out / "evaluation")
    return seconds, used, maps


def measure(out: Path, options: argparse.Namespace) -> dict[str, Any]:
    """Ratios of time and of processor time, of some repeats."""
    works = {
        name: forward_passes(name == "frozen", AUTO_BATCH_SIZE) for name in ("frozen", "plain")
    }
    maps = options.images * (len(options.methods.split(",")) + REFERENCES)
    a_map = passes_a_map(chosen_metrics("standard", [], boxes=False), STEPS)
    passes = options.images * SHARED + maps * a_map
    times = round(PART * passes / AUTO_BATCH_SIZE) + 1
    found: dict[str, Any] = {name: [] for name in (*works, *(f"{n} cpu" for n in works), "others")}
    for _ in range(options.repeats):
        begin, busy, own = time.perf_counter(), busy_seconds(), time.process_time()
        parts = [{name: timed(work, times) for name, work in works.items()}]
        *whole, counted = evaluate(out)
        parts += [{name: timed(work, times) for name, work in works.items()}]
        if counted != maps:
            sys.exit(f"{counted} maps were measured, not {maps}")
        for name in works:
            of_batch = (sum(part[name][i] for part in parts) / len(parts) for i in (0, 1))
            bare = [passes / AUTO_BATCH_SIZE * seconds for seconds in of_batch]
            found[name].append(whole[0] / bare[0])
            found[f"{name} cpu"].append(whole[1] / bare[1])
        others = busy_seconds() - busy - (time.process_time() - own) - whole[1]
        found["others"].append(max(0.0, others / (time.perf_counter() - begin)))
    return {"maps": maps, "passes": passes, "batch_size": AUTO_BATCH_SIZE, **found}


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
        print(
            f"{_span(found[name])} × the time, {_span(found[f'{name} cpu'])} × the processor time "
            f"of the forward passes of the model {words}"
        )
    print(f"others' processors: {max(found['others']):.2f}")


def _span(ratios: list[float]) -> str:
    return f"{statistics.median(ratios):.3f} (least {min(ratios):.3f})"


if __name__ == "__main__":
    main()
