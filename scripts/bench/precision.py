"""How far maps of a lower precision are from float32's, over photographs, on the embedded model.

Prints the mean rank correlation (Spearman) and the root mean square difference of maps divided by
their maxima, and how often both precisions choose the same class.
"""

import argparse
import json
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from scipy.stats import spearmanr

from scripts.generated_images import generate_images
from scripts.machine import machine_facts, shown


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """Compares the two precisions on the same photographs."""
    from sgcampp import Explainer, load_model
    from sgcampp.images.decode import read_image
    from sgcampp.images.find import find_images

    classifier = load_model("efficientnet-lite0")
    with tempfile.TemporaryDirectory() as directory:
        generate_images(Path(directory), options.images)
        inputs = classifier.preprocess(
            [read_image(f.place or "").rgb for f in find_images([directory])]
        )
    full, low = (
        Explainer(
            classifier, options.layer, nsamples=options.nsamples, precision=precision, frozen=True
        )
        for precision in ("float32", options.precision)
    )
    expected = full(inputs)
    found = low(inputs, expected.class_idx.tolist())
    same = low(inputs).class_idx == expected.class_idx
    pairs = [(a / a.max(), b / b.max()) for a, b in zip(expected.maps, found.maps, strict=True)]
    return {
        "images": options.images,
        "layer": options.layer,
        "n": options.nsamples,
        "precision": options.precision,
        "rank_correlation": float(np.mean([spearmanr(a, b, axis=None)[0] for a, b in pairs])),
        "worst_rank_correlation": float(min(spearmanr(a, b, axis=None)[0] for a, b in pairs)),
        "rmse": float(np.sqrt(np.mean([(a - b) ** 2 for a, b in pairs]))),
        "same_class": float(same.mean()),
    }


def main() -> None:
    """Prints the comparison."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=20)
    parser.add_argument("--layer", default="block14_expand_act")
    parser.add_argument("--nsamples", type=int, default=8)
    parser.add_argument("--precision", default="bfloat16")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    result = measure(options)
    if options.json:
        print(json.dumps({**result, "machine": machine_facts()}))
        return
    print(f"# {shown(machine_facts())}")
    print(
        "{precision}, {layer}, n={n}, {images} photographs: rank correlation "
        "{rank_correlation:.4f} (worst {worst_rank_correlation:.4f}), RMSE {rmse:.4f} of the "
        "maximum, same class in "
        "{same_class:.0%}".format(**result)
    )


if __name__ == "__main__":
    main()
