"""Peak resident memory of one image's map with few and with many samples, each in its own process.

Exit code 0 if they differ by at most 5 %. By default n + 1 is a multiple of B, so that both are cut
into slices of B: n = 50 would be cut into slices of 9 and 8, which need less memory than of 10.
"""

import argparse
import subprocess
import sys

CHILD = """
import os, resource
os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
import numpy as np
from sgcampp import Explainer, load_model
classifier = load_model({model!r}, {weights!r})
image = np.random.default_rng(0).uniform(-1, 1, (1, *classifier.input_shape)).astype(np.float32)
Explainer(classifier, {layer!r}, nsamples={nsamples}, batch_size={batch_size})(image)
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3)
"""


def peak_megabytes(options: argparse.Namespace, nsamples: int) -> float:
    """Runs one map in a process of its own."""
    weights = "imagenet" if options.model.startswith("efficientnet-lite") else "none"
    code = CHILD.format(**{**vars(options), "nsamples": nsamples, "weights": weights})
    line = [sys.executable, "-c", code]
    return float(subprocess.run(line, check=True, capture_output=True, text=True).stdout)


def main() -> int:
    """Prints both peaks and their ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--model", default="efficientnet-lite0")
    parser.add_argument("--layer", default="block10_expand_act")
    parser.add_argument("--batch-size", type=int, default=10)
    parser.add_argument("--few", type=int, default=49)
    parser.add_argument("--many", type=int, default=499)
    options = parser.parse_args()
    few, many = (peak_megabytes(options, n) for n in (options.few, options.many))
    print(f"n={options.few}: {few:.0f} MB, n={options.many}: {many:.0f} MB, {many / few - 1:+.1%}")
    return 0 if abs(many / few - 1) <= 0.05 else 1


if __name__ == "__main__":
    sys.exit(main())
