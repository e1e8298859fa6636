"""LIME's linear model by its authors' package, with the paper's kernel and given samples.

In an environment of its own (pip install torch==2.14.1 lime==0.2.0.1), from the repository's root:
python -m scripts.oracles.lime_by_lime > tests/explain/oracles/lime.json
"""
# mypy: disable-error-code="import-not-found"

import numpy as np
import torch
from lime.lime_base import LimeBase
from sklearn.metrics import pairwise_distances

from scripts.oracles import inputs, network


def main() -> None:
    """Prints the values."""
    model = network.torch_network()
    # The package's own default is the square root of this.
    explainer = LimeBase(lambda distance: np.exp(-(distance**2) / 0.25**2))
    rows = np.concatenate([np.ones((1, network.CELLS)), network.shown()])
    masks = torch.from_numpy(rows)[:, network.cells()][:, None]
    found: dict[str, list] = {"weights": [], "r2": []}
    for image, c in zip(network.torch_images(), network.classes(), strict=True):
        with torch.no_grad():
            probabilities = torch.softmax(model(image[None] * masks), -1).numpy()
        distances = pairwise_distances(rows, rows[:1], metric="cosine").ravel()
        _, weights, r2, _ = explainer.explain_instance_with_data(
            rows, probabilities, distances, c, network.CELLS, feature_selection="none"
        )
        found["weights"].append([weight for _, weight in sorted(weights)])
        found["r2"].append(float(r2))
    inputs.write("lime", found)


if __name__ == "__main__":
    main()
