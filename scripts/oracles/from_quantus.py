"""Complexity and localisation by Quantus, average precision by scikit-learn, which it brings.

In an environment of its own (pip install quantus==0.6.0), from the repository's root:
python scripts/oracles/from_quantus.py > tests/metrics/oracles/quantus.json
"""
# mypy: disable-error-code="import-not-found"

import inputs
import numpy as np
import quantus
from quantus.functions import similarity_func
from sklearn.metrics import average_precision_score


def main() -> None:
    """Prints the values."""
    maps, masks = inputs.maps(), inputs.masks()
    quiet = {"disable_warnings": True, "display_progressbar": False}
    entropy = quantus.Complexity(normalise=False, **quiet)
    gini = quantus.Sparseness(normalise=False, **quiet)
    energy = quantus.AttributionLocalisation(normalise=False, **quiet)
    pointing = quantus.PointingGame(**quiet)
    # The metrics change the arrays that they are given.
    per_map = {
        "entropy": entropy.evaluate_batch(x_batch=maps.copy(), a_batch=maps.copy()),
        "gini": gini.evaluate_batch(x_batch=maps.copy(), a_batch=maps.copy()),
        "energy": energy.evaluate_batch(
            x_batch=inputs.images().transpose(0, 3, 1, 2), a_batch=maps.copy(), s_batch=masks.copy()
        ),
        "pointing_game": pointing.evaluate_batch(a_batch=maps.copy(), s_batch=masks.copy()),
    }
    pairs = [(0, 1), (1, 2), (2, 0)]
    unit = [(one - one.min()) / (one.max() - one.min()) for one in maps]
    per_pair = {
        "mprt_spearman": [
            similarity_func.correlation_spearman(maps[a].ravel(), maps[b].ravel()) for a, b in pairs
        ],
        "mprt_ssim": [similarity_func.ssim(unit[a], unit[b]) for a, b in pairs],
    }
    place = np.floor(np.array(unit) * 100)
    pooled = average_precision_score(masks.ravel(), place.ravel())
    inputs.write("quantus", {**per_map, **per_pair, "pxap": pooled})


if __name__ == "__main__":
    main()
