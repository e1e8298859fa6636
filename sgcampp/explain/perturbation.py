"""What a method of `Needs.SCORES` is given, yields, is sent and returns.

    @method(needs=Needs.SCORES, passes=lambda settings, shape: 16)
    def some_method(subject: Subject, settings: Perturbing) -> Perturbation:
        ...
        scored = yield Boxes(corners)
        return Found(maps)

It yields masks in the few words of `masks`, as many sets as it likes, and is sent what the model
makes of each: the engine lays them over the images on the device.
"""

from collections.abc import Generator
from dataclasses import dataclass, fields
from typing import Any

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError, check_whole, nearest
from sgcampp.explain.masks import Floats, Masks
from sgcampp.explain.patches import PatchGaussian

MOST_PERTURBATIONS = 1_000_000
MOST_CELLS = 10_000
SUPERPIXELS, FIT_IMAGES = 50, 100
WINDOWS = 8
"""Windows side by side along the shorter side of an image, unless `window` says otherwise."""

WORDS: dict[str, tuple[str, ...]] = {
    "fill": ("black", "mean", "blur"),
    "sampler": ("conditional", "marginal"),
}
"""Settings that take one of a few words, the default first."""


@dataclass(frozen=True)
class Perturbing:
    """How images are perturbed.

    Attributes:
        perturbations: perturbed images for each image; None: the method's own number.
        fill: what hidden pixels show: `black`, the `mean` of the image, or the image under a `blur`
            (Gaussian, 11 × 11 pixels, sigma 5).
        window: side of a hidden window in pixels of the model's input; None: an eighth of the
            shorter side.
        stride: pixels from one window to the next, at most `window`; None: half of it.
        superpixels: of `lime`, about how many an image is cut into.
        sampler: of `prediction_difference`: whether a window's samples are drawn given the pixels
            around it, or not.
        fit_images: of `prediction_difference`: how many images it learns from what patches are.
        seed: of whatever is drawn at random.

    Raises:
        UserError: for a value out of range.
    """

    perturbations: int | None = None
    fill: str = "black"
    window: int | None = None
    stride: int | None = None
    superpixels: int = SUPERPIXELS
    sampler: str = "conditional"
    fit_images: int = FIT_IMAGES
    seed: int = 0

    def __post_init__(self) -> None:
        for name, words in WORDS.items():
            value = getattr(self, name)
            if value not in words:
                accepted = ", ".join(words)
                raise UserError(
                    f"{name} is {value!r:.50}, accepted: {accepted}{nearest(str(value), words)}"
                )
        for name in ("perturbations", "window", "stride"):
            value = getattr(self, name)
            if value is not None:
                check_whole(name, value, 1, MOST_PERTURBATIONS, "from 1 to 10^6")
        check_whole("superpixels", self.superpixels, 2, MOST_CELLS, "from 2 to 10^4")
        check_whole("fit_images", self.fit_images, 1, MOST_PERTURBATIONS, "from 1 to 10^6")

    def steps(self, size: tuple[int, ...]) -> tuple[int, int]:
        """(window, stride) in an image of (H, W, …); UserError where they do not fit it."""
        window = self.window or max(1, -(-min(size[:2]) // WINDOWS))
        if window > min(size[:2]):
            raise UserError(
                f"window is {window}, accepted: 1 to {min(size[:2])}, as the model's input has "
                f"{size[0]} × {size[1]} pixels"
            )
        stride = self.stride or max(1, window // 2)
        if stride > window:
            raise UserError(
                f"stride is {stride}, accepted: 1 to {window}, the window's side, so that no "
                "pixel is left out"
            )
        return window, stride


def as_many_as_asked(settings: Perturbing, shape: tuple[int, ...]) -> int:
    """Passes of a method that draws as many masks as `perturbations` says."""
    return settings.perturbations or 1


PERTURBING = tuple(field.name for field in fields(Perturbing))


@dataclass(frozen=True, eq=False)
class Subject:
    """What is explained.

    Attributes:
        images: float32 [b, H, W, C], the model's own input.
        activations: float [b, h, w, F], of a method that looks at a layer: its chosen feature maps,
            zero outside the chosen neurons.
        patches: of a method that needs one: what patches of other images look like.
    """

    images: NDArray[np.float32]
    activations: NDArray[Any] | None = None
    patches: PatchGaussian | None = None

    @property
    def size(self) -> tuple[int, int]:
        """(H, W)."""
        return self.images.shape[1], self.images.shape[2]


@dataclass(frozen=True, eq=False)
class Scored:
    """What the model makes of masked images, and of the images themselves.

    Attributes:
        scores: [b, m, T], S of each class explained; of a contrast the difference.
        probabilities: [b, m, T], likewise; NaN for a head without softmax or sigmoid.
        of: [b, m, T], the probability of the class, of a contrast that of the first.
        against: [b, m, T], of all others together; of a contrast that of the second class.
        clean_scores: [b, T], of the images without a mask, as are the following.
        clean_probabilities: [b, T].
        clean_of: [b, T].
        clean_against: [b, T].
    """

    scores: Floats
    probabilities: Floats
    of: Floats
    against: Floats
    clean_scores: Floats
    clean_probabilities: Floats
    clean_of: Floats
    clean_against: Floats

    def confidences(self) -> tuple[Floats, Floats]:
        """[b, m, T] and, of the clean images, [b, T]: probabilities, or scores where none are."""
        if np.isnan(self.clean_probabilities).any():
            return self.scores, self.clean_scores
        return self.probabilities, self.clean_probabilities


@dataclass(frozen=True, eq=False)
class Found:
    """What a method returns.

    Attributes:
        maps: [b, T, h, w]; of a method with a sign, of either sign.
        single: [b, T, h, w, F], one a feature map, of a method that looks at a layer.
        r2: [b, T], how well a method's own model fits the scores, at most 1.
    """

    maps: NDArray[Any]
    single: NDArray[Any] | None = None
    r2: NDArray[Any] | None = None


Perturbation = Generator[Masks, Scored, Found]
