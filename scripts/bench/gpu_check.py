"""Runs on a machine with a GPU what could not be run on one without, and prints a verdict a line.

Bits that must not depend on neighbours, order or the trace; maps at another B and in float16; the
choice of B; what happens when the device has no memory; and the time of n = 50 over that of its
forward passes. Without a GPU the same checks run small: bfloat16 in place of float16, and a device
that is said to have no memory. Exit code 1 if one of them fails.

Usage: python -m scripts.bench.gpu_check
"""

import argparse
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np

from scripts.bench import engine as ratio_bench
from scripts.generated_images import generate_images
from scripts.machine import machine_facts, shown
from sgcampp.errors import RunStopped, UserError

LAYER = "block10_expand_act"
BATCH = 16
MOST_RATIO = 1.06

RUN = """
import sys
import tensorflow as tf
megabytes = {megabytes}
if megabytes:
    limit = tf.config.LogicalDeviceConfiguration(memory_limit=megabytes)
    tf.config.set_logical_device_configuration(tf.config.list_physical_devices("GPU")[0], [limit])
else:
    from sgcampp.engine.device import DeviceMemoryError
    from sgcampp.engine.engine import Engine
    run = Engine.run

    def with_little_memory(self, images, codes, grid, *rest):
        if grid.images * len(grid.slices[0]) > 4:
            raise DeviceMemoryError("no memory, it is said")
        return run(self, images, codes, grid, *rest)

    Engine.run = with_little_memory
from cli.main import main
main(sys.argv[1:])
"""


class Verdict(NamedTuple):
    """Whether a check passed, and what it measured."""

    passed: bool
    words: str


class Scale(NamedTuple):
    """How large the checks are. `memory`: flags of a run whose B, the last, is too large."""

    images: int
    precision: str
    ratio: dict[str, Any]
    memory: list[str]
    megabytes: int


SMALL = Scale(
    images=5,
    precision="bfloat16",
    ratio={"model": "efficientnet-lite0", "layer": LAYER, "nsamples": 19, "batch_size": 10},
    memory=["--layer-name", LAYER, "--batch-size", "16"],
    megabytes=0,
)
LARGE = Scale(
    images=9,
    precision="float16",
    ratio={"model": "vgg16", "layer": "block5_conv3", "nsamples": 50, "batch_size": 51},
    memory=["--model", "vgg16", "--weights", "none", "--batch-size", "1024"],
    megabytes=2500,
)


def explainer(**settings: Any) -> Any:
    """Of the embedded model, n = 5."""
    from sgcampp import Explainer, load_model

    given = {"nsamples": 5, "std_dev": 0.2, "batch_size": BATCH, "frozen": True, **settings}
    return Explainer(load_model("efficientnet-lite0"), LAYER, **given)


def inputs(count: int) -> np.ndarray:
    """The model's inputs for some pictures cut out of photographs."""
    from sgcampp import load_model
    from sgcampp.images.decode import read_image

    with tempfile.TemporaryDirectory() as directory:
        generate_images(Path(directory), count)
        paths = sorted(Path(directory).rglob("*.jpg"))
        pictures = [read_image(str(path)).rgb for path in paths]
    return load_model("efficientnet-lite0").preprocess(pictures)


def maps(explain: Any, x: np.ndarray) -> np.ndarray:
    """Maps [N, h, w] in groups as a run of a thousand images cuts them."""
    ensemble = explain.ensemble(1, x.shape[1:])
    layout = ensemble.lay_out(explain.batch_size, 1000)
    codes, look = explain.codes(None, len(x)), explain.looks[0]
    groups = [
        ensemble.run(x[at : at + layout.images], codes[at : at + layout.images], layout)
        for at in range(0, len(x), layout.images)
    ]
    return np.concatenate([group.maps[look].whole[:, 0] for group in groups])


def same_bits(scale: Scale, x: np.ndarray) -> Verdict:
    """Maps are the same to the bit again, in another order, alone and from another trace."""
    explain = explainer()
    first, order = maps(explain, x), np.random.default_rng(0).permutation(len(x))
    others = {
        "again": maps(explain, x),
        "another trace": maps(explainer(), x),
        "another order": maps(explain, x[order])[np.argsort(order)],
        "alone": np.concatenate([maps(explain, x[i : i + 1]) for i in range(len(x))]),
    }
    differing = [name for name, other in others.items() if not np.array_equal(first, other)]
    words = f"{len(x)} images; differing: {', '.join(differing) or 'none'}"
    return Verdict(not differing and bool(first.any()), words)


def another_batch(scale: Scale, x: np.ndarray) -> Verdict:
    """Maps agree to 1e-4 of their maximum when B changes."""
    first, other = maps(explainer(), x), maps(explainer(batch_size=4), x)
    worst = float((np.abs(first - other).max((1, 2)) / first.max((1, 2))).max())
    return Verdict(worst < 1e-4, f"B = {BATCH} and 4 differ by {worst:.1e} of the maximum")


def low_precision(scale: Scale, x: np.ndarray) -> Verdict:
    """The lower precision's maps rank neurons as float32's do; its time is told."""
    from scipy.stats import spearmanr

    full, low = explainer(), explainer(precision=scale.precision)
    codes = full(x).class_idx.tolist()
    pairs = zip(full(x, codes).maps, low(x, codes).maps, strict=True)
    worst = min(float(spearmanr(a, b, axis=None)[0]) for a, b in pairs)
    slow, fast = ratio_bench.alternate(3, lambda: full(x, codes), lambda: low(x, codes))
    words = f"rank correlation {worst:.3f} at worst, {min(fast) / min(slow):.2f} of the time"
    return Verdict(worst > 0.9, f"{scale.precision}: {words}")


def choice_of_batch(scale: Scale, x: np.ndarray) -> Verdict:
    """The B that is found is no slower than the one that is taken without looking."""
    from sgcampp.engine.batch_size import best_batch_size

    explain, images = explainer(), np.concatenate([x] * 8)
    found = best_batch_size(explain.ensemble(1, x.shape[1:]), x.shape[1:])

    def seconds(batch_size: int) -> float:
        explain.batch_size = batch_size
        begin = time.perf_counter()
        maps(explain, images)
        return time.perf_counter() - begin

    taken = [[seconds(batch_size) for batch_size in (BATCH, found)] for _ in range(4)][1:]
    ratio = min(b for _, b in taken) / min(a for a, _ in taken)
    return Verdict(ratio < 1.1, f"B = {found}: {ratio:.2f} of the time of B = {BATCH}")


def halving(scale: Scale, x: np.ndarray) -> Verdict:
    """A device without memory for B: B is halved, recorded, and all images are explained."""
    import yaml

    with tempfile.TemporaryDirectory() as directory:
        home = Path(directory)
        generate_images(home / "images", 3)
        code = RUN.format(megabytes=scale.megabytes)
        flags = ["explain", str(home / "images"), "-o", str(home / "out"), "--nsamples", "9"]
        line = [sys.executable, "-c", code, *flags, "--write", "arrays", *scale.memory]
        done = subprocess.run(line, capture_output=True, text=True, check=False)
        if done.returncode:
            return Verdict(False, f"exit code {done.returncode}: {done.stderr.strip()[-300:]}")
        recorded = yaml.safe_load((home / "out" / "run.yaml").read_text())["recorded"]
        arrays = len(list((home / "out" / "arrays").rglob("*.npy")))
    asked = int(scale.memory[-1])
    words = f"B = {asked} became {recorded['batch_size']}, {arrays} of 3 images explained"
    return Verdict(recorded["batch_size"] < asked and arrays == 3, words)


def ratio_to_forward(scale: Scale, x: np.ndarray) -> Verdict:
    """A map takes at most MOST_RATIO of the time of its bare forward passes."""
    options = argparse.Namespace(images=1, precision="float32", repeats=5, **scale.ratio)
    found = ratio_bench.measure(options)
    words = "{model} {layer} n={n} B={B}: {ratio_to_forward:.3f} {ratios}".format(**found)
    return Verdict(found["ratio_to_forward"] <= MOST_RATIO, words)


CHECKS: tuple[Callable[[Scale, np.ndarray], Verdict], ...] = (
    *(same_bits, another_batch, low_precision, choice_of_batch, halving, ratio_to_forward),
)


def main() -> int:
    """Runs all checks, whatever the others give."""
    import tensorflow as tf

    argparse.ArgumentParser(description=__doc__).parse_args()
    scale = LARGE if tf.config.list_physical_devices("GPU") else SMALL
    print(f"# {shown(machine_facts())}")
    x, failed = inputs(scale.images), 0
    for check in CHECKS:
        try:
            verdict = check(scale, x)
        except (tf.errors.OpError, UserError, RunStopped) as error:
            traceback.print_exc()
            verdict = Verdict(False, f"{type(error).__name__}: {error}".splitlines()[0])
        failed += not verdict.passed
        word = "pass" if verdict.passed else "FAIL"
        print(f"{word} {check.__name__}: {verdict.words}", flush=True)
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
