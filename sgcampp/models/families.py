"""How the networks of each keras.applications family were trained to see pixels."""

from dataclasses import dataclass, replace
from typing import Any

from sgcampp.errors import UserError, nearest
from sgcampp.models.preprocessing import Preprocessing


@dataclass(frozen=True)
class Family:
    """The fields of `Preprocessing` that the networks of one family share."""

    channel_order: str = "rgb"
    scale: float = 1.0
    mean: tuple[float, ...] = (0.0,)
    std: tuple[float, ...] = (1.0,)
    resize: str = "stretch"


CAFFE = Family(channel_order="bgr", mean=(103.939, 116.779, 123.68))
SYMMETRIC = Family(scale=1 / 127.5, mean=(1.0,))
TORCH = Family(scale=1 / 255, mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
RAW = Family()
FAMILIES = {
    "convnext": RAW,
    "densenet": TORCH,
    "efficientnet": RAW,
    "efficientnet_v2": RAW,
    "efficientnet-lite0": Family(mean=(127.0,), std=(128.0,), resize="crop"),
    "inception_resnet_v2": SYMMETRIC,
    "inception_v3": SYMMETRIC,
    "mobilenet": SYMMETRIC,
    "mobilenet_v2": SYMMETRIC,
    "mobilenet_v3": RAW,
    "nasnet": SYMMETRIC,
    "resnet": CAFFE,
    "resnet_v2": SYMMETRIC,
    "vgg16": CAFFE,
    "vgg19": CAFFE,
    "xception": SYMMETRIC,
    "caffe": CAFFE,
    "tf": SYMMETRIC,
    "torch": TORCH,
    "none": RAW,
}


def family_preprocessing(family: str, size: tuple[int, int], **settings: Any) -> Preprocessing:
    """The preprocessing of a `keras.applications` family, with single settings overridden.

    Args:
        family: a key of `FAMILIES`; case, '-' and '_' do not matter.
        size: (height, width) of the model's input, pixels.
        **settings: fields of `Preprocessing`; None leaves the family's value.

    Raises:
        UserError: for an unknown family or a setting out of range.
    """
    known = {plain_name(name): values for name, values in FAMILIES.items()}
    if plain_name(family) not in known:
        raise UserError(
            f"unknown preprocessing {family!r}{nearest(family, FAMILIES)} "
            f"(known: {', '.join(FAMILIES)})"
        )
    given = {name: value for name, value in settings.items() if value is not None}
    values = replace(known[plain_name(family)], **given)
    return Preprocessing(size=size, **vars(values))


def plain_name(name: str) -> str:
    """A name as it is compared: without case, '-' and '_'."""
    return name.lower().replace("-", "").replace("_", "")
