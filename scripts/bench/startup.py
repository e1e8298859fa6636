"""One photograph from the shell, over what it can't do without.

The denominator is measured in one child process: import TensorFlow, build the model, run the bare
forward passes (their first call included). Both are run in turn; each ratio is of one pair.
"""

import argparse
import json
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

from scripts.machine import machine_facts, shown
from scripts.photographs import copy_photographs

SGCAMPP = str(Path(sys.executable).parent / "sgcampp")
LAYER = "block15_expand_act"
NEEDED = """
import os
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
import tensorflow as tf
from sgcampp.models.embedded import build_pretrained
model = build_pretrained()
forward = tf.function(lambda x: model(x, training=False), autograph=False)
np.asarray(forward(tf.zeros([{passes}, 224, 224, 3])))
"""


def seconds(line: list[str]) -> float:
    """Wall time of a command."""
    begin = time.perf_counter()
    subprocess.run(line, check=True, capture_output=True)
    return time.perf_counter() - begin


def main() -> None:
    """Prints the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--nsamples", type=int, default=8)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    needed = [sys.executable, "-c", NEEDED.format(passes=options.nsamples + 1)]
    pairs = []
    with tempfile.TemporaryDirectory() as directory:
        photo = copy_photographs(Path(directory))[0]
        for number in range(options.repeats + 1):
            line = [SGCAMPP, "explain", str(photo), "-o", f"{directory}/out{number}"]
            line += ["--nsamples", str(options.nsamples), "--layer-name", LAYER]
            pairs.append((seconds(line), seconds(needed)))
    ratios = sorted(a / b for a, b in pairs[1:])
    result = {
        "nsamples": options.nsamples,
        "seconds": statistics.median(a for a, _ in pairs[1:]),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }
    if options.json:
        print(json.dumps({**result, "machine": machine_facts()}))
    else:
        print(f"# {shown(machine_facts())}")
        print("n={nsamples}: {seconds:.2f} s, {ratio:.3f} × the needful {ratios}".format(**result))


if __name__ == "__main__":
    main()
