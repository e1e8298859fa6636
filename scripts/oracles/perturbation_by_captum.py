"""Occlusion, and LIME's linear model, by captum; RISE by its formula in torch.

In an environment of its own (pip install torch==2.14.1 captum==0.9.0 scikit-learn), from the
repository's root:
python -m scripts.oracles.perturbation_by_captum > tests/explain/oracles/captum.json
"""
# mypy: disable-error-code="import-not-found"

from collections.abc import Iterator
from typing import Any

import numpy as np
import torch
from captum._utils.models.linear_model import SkLearnRidge
from captum.attr import LimeBase, Occlusion

from scripts.oracles import inputs, network
from sgcampp.draws import random_uniforms, random_words


def occlusion(model: Any, image: Any, c: int) -> Any:
    """[12, 12], the fall of the score, averaged over windows."""
    window = (3, network.WINDOW, network.WINDOW)
    strides = (3, network.STRIDE, network.STRIDE)
    found = Occlusion(model).attribute(image, window, strides, target=c)
    return found[0, 0].numpy()


def lime(model: Any, image: Any, c: int) -> Any:
    """[9], weights of squares."""
    labels = torch.from_numpy(network.cells())

    def probability(pixels: Any) -> Any:
        return torch.softmax(model(pixels), -1)[:, c]

    def similarity(original: Any, perturbed: Any, sample: Any, **_: Any) -> Any:
        distance = 1 - sample.double().mean().sqrt()
        return torch.exp(-(distance**2) / 0.25**2)

    def samples(original: Any, **_: Any) -> Iterator[Any]:
        yield torch.ones(1, network.CELLS, dtype=torch.float64)
        for row in network.shown():
            yield torch.from_numpy(row.astype(np.float64))[None]

    explainer = LimeBase(
        probability,
        SkLearnRidge(alpha=1.0),
        similarity,
        samples,
        perturb_interpretable_space=True,
        from_interp_rep_transform=lambda sample, original, **_: original * sample[0][labels],
        to_interp_rep_transform=None,
    )
    return explainer.attribute(image, n_samples=network.SAMPLES + 1)[0].numpy()


def rise(model: Any, image: Any, c: int) -> Any:
    """[12, 12], 1/(N p) Σ f(I ∘ M) M, with the masks of the draws that sgcampp makes."""
    count, cell = network.GRIDS, -(-network.SIDE // 7)
    grids = (random_uniforms(count * 49, "rise grids", 0) < 0.5).reshape(count, 1, 7, 7)
    shifts = (random_words(count * 2, "rise shifts", 0) % np.uint64(cell)).reshape(count, 2)
    large = torch.nn.functional.interpolate(
        torch.from_numpy(grids.astype(np.float64)), (8 * cell, 8 * cell), mode="bilinear"
    )
    total = np.zeros((network.SIDE, network.SIDE))
    for mask, (y, x) in zip(large, shifts.astype(int), strict=True):
        part = mask[:, y : y + network.SIDE, x : x + network.SIDE]
        total += float(torch.softmax(model(image * part), -1)[0, c]) * part[0].numpy()
    return total / (count * 0.5)


def main() -> None:
    """Prints the values."""
    model = network.torch_network()
    with torch.no_grad():
        pairs = list(zip(network.torch_images().split(1), network.classes(), strict=True))
        values = {
            method.__name__: [method(model, image, c) for image, c in pairs]
            for method in (occlusion, lime, rise)
        }
        logits = model(network.torch_images()).numpy()
    inputs.write("captum", {**values, "logits": logits})


if __name__ == "__main__":
    main()
