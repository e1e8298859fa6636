"""Model inputs that are drawn: slight noise, and smooth random pictures."""

import numpy as np
from numpy.typing import NDArray

from sgcampp.draws import random_uniforms
from sgcampp.metrics.resizing import resize
from sgcampp.models.classifier import Classifier

RADIUS, DRAWS = 0.02, 10
"""Of the uniform noise of the sensitivities: the share of the pixel range on either side."""
STATISTICS_OF = 16
"""Random images that a re-initialised network's batch normalisation takes its statistics of."""


def slight_noise(classifier: Classifier, seed: int) -> NDArray[np.float32]:
    """Uniform noise of the pixels, float32 [DRAWS, H, W, C]; the same for all images."""
    shape = (DRAWS, *classifier.input_shape)
    uniform = 2 * random_uniforms(int(np.prod(shape)), "sensitivity", seed, *shape) - 1
    radius = RADIUS * (classifier.white - classifier.black)
    return (radius * uniform.reshape(shape)).astype(np.float32)


def random_images(classifier: Classifier, seed: int) -> NDArray[np.float32]:
    """Smooth random pictures as model inputs, float32 [STATISTICS_OF, H, W, C]."""
    height, width, channels = classifier.input_shape
    uniform = random_uniforms(STATISTICS_OF * channels * 49, "statistics", seed)
    fields = [resize(field, (height, width)) for field in uniform.reshape(-1, 7, 7)]
    pixels = np.stack(fields).reshape(STATISTICS_OF, channels, height, width)
    span = classifier.white - classifier.black
    return (classifier.black + span * np.moveaxis(pixels, 1, -1)).astype(np.float32)
