"""What images are held against: the other ends of paths, the other halves of pairs."""

from collections.abc import Mapping
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.engine.fills import FILLS
from sgcampp.errors import UserError, nearest
from sgcampp.explain.against import BASELINES, ZEROS
from sgcampp.explain.noise import one_image


@dataclass(frozen=True, eq=False)
class Baselines:
    """Makes baselines.

    Attributes:
        black: float32 [C], the model's input for a black pixel.
        given: images by name, float32 [H, W, C], the model's own input.
    """

    black: NDArray[np.float32]
    given: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)

    def of(self, name: str | None, images: NDArray[np.float32]) -> NDArray[np.float32]:
        """The baselines of images [b, H, W, C], broadcasting to them; of None zeros."""
        if name is None or name == ZEROS:
            return np.zeros([len(images), 1, 1, 1], np.float32)
        if name in self.given:
            return np.repeat(self.given[name][None], len(images), 0)
        return np.stack([FILLS[name](image, self.black) for image in images])

    def check(self, image_shape: tuple[int, ...]) -> None:
        """Raises UserError for a given image of another shape than (H, W, C)."""
        for image in self.given.values():
            if image.shape != tuple(image_shape):
                raise UserError(
                    f"baseline has shape {image.shape}, accepted: {tuple(image_shape)}, as the "
                    "images have it"
                )


def chosen(baseline: str | ArrayLike) -> tuple[str, dict[str, NDArray[np.float32]]]:
    """What the Python API's `baseline` means: its name, and the image if it is one, by that name.

    Raises:
        UserError: for an unknown word, or an array that is no image.
    """
    if not isinstance(baseline, str):
        return "given", {"given": one_image(baseline, "baseline")}
    if baseline not in BASELINES:
        raise UserError(
            f"baseline is {baseline!r:.200}, accepted: {', '.join(BASELINES)}, or an image as an "
            f"array{nearest(baseline, BASELINES)}"
        )
    return baseline, {}
