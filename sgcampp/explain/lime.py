"""LIME: a linear model of what the class's probability does when superpixels are hidden."""

import numpy as np
from numpy.typing import NDArray

from sgcampp.draws import random_uniforms
from sgcampp.explain.masks import Cells, Floats
from sgcampp.explain.method import Needs, method
from sgcampp.explain.perturbation import (
    Found,
    Perturbation,
    Perturbing,
    Subject,
    as_many_as_asked,
)

KERNEL_WIDTH, RIDGE, COMPACTNESS = 0.25, 1.0, 10.0
"""sigma of the kernel, the penalty of the linear model, and SLIC's weight of nearness."""


def superpixels(image: NDArray[np.float32], count: int) -> NDArray[np.int32]:
    """Cuts an image into about `count` superpixels by SLIC (Achanta et al. 2012).

    Args:
        image: [H, W, C], of any range.
        count: about how many.

    Returns:
        [H, W], 0 … c - 1.
    """
    from skimage.segmentation import slic

    wide = image.astype(np.float64)
    return slic(wide, count, COMPACTNESS, start_label=0, channel_axis=-1).astype(np.int32)


def table(count: int, cells: int, seed: int) -> NDArray[np.float32]:
    """Which superpixels each perturbed image shows, each with a probability of 1/2: [count, cells].

    It depends on these three alone: images of equally many superpixels share it.
    """
    draws = random_uniforms(count * cells, "lime", seed, cells) < 0.5
    return draws.reshape(count, cells).astype(np.float32)


def fitted(shown: NDArray[np.float32], values: Floats) -> tuple[Floats, Floats]:
    """Fits the linear model of one image: ridge regression, weighed by exp(-D²/sigma²).

    Args:
        shown: [m, c], which superpixels a perturbed image shows; all of them in the first row.
        values: [m, T], what the model says of it.

    Returns:
        Weights [c, T], and R² [T] as the regression was weighed; all 0 for values that do not vary.
    """
    from sklearn.linear_model import Ridge
    from sklearn.metrics import r2_score

    # the cosine distance to a row of ones
    distance = 1 - np.sqrt(shown.mean(1, dtype=np.float64))
    near = np.exp(-(distance**2) / KERNEL_WIDTH**2)
    model = Ridge(alpha=RIDGE).fit(shown.astype(np.float64), values, sample_weight=near)
    guessed = model.predict(shown).reshape(values.shape)
    r2 = r2_score(values, guessed, sample_weight=near, multioutput="raw_values")
    vary = np.ptp(values, axis=0) > 0
    return model.coef_.reshape(values.shape[1], -1).T * vary, np.where(vary, r2, 0.0)


@method(
    needs=Needs.SCORES,
    perturbations=1000,
    passes=as_many_as_asked,
    sign="positive",
    packages=("skimage", "sklearn"),
)
def lime(subject: Subject, settings: Perturbing) -> Perturbation:
    """LIME: weights of superpixels in a linear model around the image (Ribeiro et al. 2016).

    It is fitted to probabilities, or to scores where the head gives none.
    """
    labels = np.stack([superpixels(x, settings.superpixels) for x in subject.images])
    counts = labels.max((1, 2)) + 1
    shown = [table(settings.perturbations or 1, int(c), settings.seed) for c in counts]
    most = int(counts.max())
    wide = [np.pad(each, ((0, 0), (0, most - each.shape[1]))) for each in shown]
    scored = yield Cells(labels, np.stack(wide))
    values, clean = scored.confidences()
    maps, r2 = [], []
    for i, each in enumerate(shown):
        whole = np.concatenate([np.ones_like(each[:1]), each])
        weights, fit = fitted(whole, np.concatenate([clean[i : i + 1], values[i]]))
        maps.append(np.moveaxis(weights[labels[i]], -1, 0))
        r2.append(fit)
    return Found(np.stack(maps), r2=np.stack(r2))
