"""From uint8 RGB pixels to what a network was trained on: size, channel order, scale, mean, std."""

import math
from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError, nearest

RESIZES = ("stretch", "crop")
CHANNEL_ORDERS = ("rgb", "bgr", "grey")
CROP_RATIO = 256 / 224


@dataclass(frozen=True)
class Preprocessing:
    """Model input = (pixel * scale − mean) / std for each channel, in `channel_order`.

    Attributes:
        size: (height, width) of the model's input, pixels.
        resize: 'stretch' squeezes the whole image into `size`; 'crop' brings the shorter side to
            256/224 of it and cuts the centre, as ImageNet classifiers are evaluated.
        channel_order: 'rgb', 'bgr' or 'grey' (luma, one channel).
        scale: factor on the 0..255 pixels.
        mean: subtracted after scaling; one value, or one a channel in `channel_order`.
        std: divided by last; one value, or one a channel, none of them zero.

    Raises:
        UserError: at construction, for a value outside the above.
    """

    size: tuple[int, int]
    resize: str = "stretch"
    channel_order: str = "rgb"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)

    def __post_init__(self) -> None:
        if len(self.size) != 2 or min(self.size) < 1:
            raise UserError(f"input size {self.size} is not a (height, width) of positive pixels")
        _check_choice("resize", self.resize, RESIZES)
        _check_choice("channel_order", self.channel_order, CHANNEL_ORDERS)
        if not math.isfinite(self.scale) or self.scale == 0:
            raise UserError(f"preprocessing scale is {self.scale}, it must be a number but 0")
        for name, values in (("mean", self.mean), ("std", self.std)):
            _check_channel_values(name, values, self.channels)
        if 0 in self.std:
            raise UserError(
                f"preprocessing std {self.std} holds a zero, which pixels cannot be divided by"
            )

    @property
    def channels(self) -> int:
        """Number of channels of the model's input, 1 or 3."""
        return 1 if self.channel_order == "grey" else 3

    def __call__(self, image: NDArray[np.uint8]) -> NDArray[np.float32]:
        """Turns a picture into the network's input.

        Args:
            image: uint8 [H, W, 3], RGB, any size from 1×1.

        Returns:
            float32 [h, w, C] with (h, w) = `size` and C channels in `channel_order`.

        Raises:
            UserError: if `image` is not such an array.
        """
        _check_image(image)
        pixels = self._reordered(self.pixels(image)).astype(np.float32)
        pixels *= np.float32(self.scale)
        pixels -= np.asarray(self.mean, np.float32)
        pixels /= np.asarray(self.std, np.float32)
        return pixels

    def view(self, height: int, width: int) -> tuple[float, float, float, float]:
        """The rectangle of an original `height` × `width` image that the model sees.

        Returns:
            (top, left, view_height, view_width) in pixels of the original; fractions are meant.
        """
        if self.resize == "stretch":
            return 0.0, 0.0, float(height), float(width)
        top, left, cut_height, cut_width = self._centre_cut(height, width)
        big_height, big_width = self._size_before_crop()
        down, right = self._crop_offset()
        return (
            top + down * cut_height / big_height,
            left + right * cut_width / big_width,
            self.size[0] * cut_height / big_height,
            self.size[1] * cut_width / big_width,
        )

    def pixels(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        """What the model sees of a picture, uint8 RGB [h, w, 3], (h, w) = `size`."""
        if self.resize == "stretch":
            return _stretch(image, self.size)
        top, left, height, width = self._centre_cut(*image.shape[:2])
        big = _bicubic(image[top : top + height, left : left + width], self._size_before_crop())
        down, right = self._crop_offset()
        return big[down : down + self.size[0], right : right + self.size[1]]

    def _centre_cut(self, height: int, width: int) -> tuple[int, int, int, int]:
        """The largest centred rectangle of `size`'s aspect: cut before resizing, for memory."""
        factor = min(height / self.size[0], width / self.size[1])
        cut_height = max(1, round(self.size[0] * factor))
        cut_width = max(1, round(self.size[1] * factor))
        return (height - cut_height) // 2, (width - cut_width) // 2, cut_height, cut_width

    def _size_before_crop(self) -> tuple[int, int]:
        return round(self.size[0] * CROP_RATIO), round(self.size[1] * CROP_RATIO)

    def _crop_offset(self) -> tuple[int, int]:
        big_height, big_width = self._size_before_crop()
        return (big_height - self.size[0]) // 2, (big_width - self.size[1]) // 2

    def _reordered(self, image: NDArray[np.uint8]) -> NDArray[np.uint8]:
        if self.channel_order == "rgb":
            return image
        if self.channel_order == "bgr":
            return image[..., ::-1]
        return np.asarray(cv2.cvtColor(image, cv2.COLOR_RGB2GRAY), np.uint8)[..., np.newaxis]


def _check_choice(name: str, value: str, accepted: tuple[str, ...]) -> None:
    if value not in accepted:
        raise UserError(
            f"preprocessing {name} is {value!r}, it must be one of "
            f"{', '.join(accepted)}{nearest(str(value), accepted)}"
        )


def _check_channel_values(name: str, values: tuple[float, ...], channels: int) -> None:
    if len(values) not in {1, channels}:
        wanted = "one value" if channels == 1 else f"one value or {channels}, one a channel"
        raise UserError(f"preprocessing {name} has {len(values)} values, it must have {wanted}")
    if not all(math.isfinite(value) for value in values):
        raise UserError(f"preprocessing {name} {values} holds a value that is not a finite number")


def _check_image(image: NDArray[np.uint8]) -> None:
    shape, dtype = getattr(image, "shape", None), getattr(image, "dtype", None)
    if shape is None or len(shape) != 3 or shape[2] != 3 or dtype != np.uint8 or 0 in shape:
        raise UserError(
            f"an image must be a uint8 array [H, W, 3] of RGB pixels, "
            f"not {dtype or type(image).__name__} {list(shape or [])}"
        )


def _stretch(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    if image.shape[:2] == size:
        return image
    shrinks = image.shape[0] * image.shape[1] > size[0] * size[1]
    return _resize(image, size, cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR)


def _bicubic(image: NDArray[np.uint8], size: tuple[int, int]) -> NDArray[np.uint8]:
    # OpenCV's bicubic looks at 4×4 pixels whatever the factor: beyond 2 it would skip pixels.
    aliases = image.shape[0] > 2 * size[0]
    return _resize(image, size, cv2.INTER_AREA if aliases else cv2.INTER_CUBIC)


def _resize(image: NDArray[np.uint8], size: tuple[int, int], how: int) -> NDArray[np.uint8]:
    return np.asarray(cv2.resize(image, (size[1], size[0]), interpolation=how), np.uint8)
