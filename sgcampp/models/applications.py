"""The classifiers of keras.applications by name, listed without importing Keras."""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

from sgcampp.errors import UserError
from sgcampp.models.families import plain_name
from sgcampp.models.weights_file import built_with

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Application:
    """One constructor of keras.applications.

    Attributes:
        constructor: its name there, such as 'VGG16'.
        family: its module, whose `preprocess_input` it wants.
        size: side of the square input it was trained on, pixels.
    """

    constructor: str
    family: str
    size: int

    @property
    def name(self) -> str:
        """What it is called here: the constructor's name in lower case."""
        return self.constructor.lower()


_TABLE = """
    ConvNeXtTiny convnext 224
    ConvNeXtSmall convnext 224
    ConvNeXtBase convnext 224
    ConvNeXtLarge convnext 224
    ConvNeXtXLarge convnext 224
    DenseNet121 densenet 224
    DenseNet169 densenet 224
    DenseNet201 densenet 224
    EfficientNetB0 efficientnet 224
    EfficientNetB1 efficientnet 240
    EfficientNetB2 efficientnet 260
    EfficientNetB3 efficientnet 300
    EfficientNetB4 efficientnet 380
    EfficientNetB5 efficientnet 456
    EfficientNetB6 efficientnet 528
    EfficientNetB7 efficientnet 600
    EfficientNetV2B0 efficientnet_v2 224
    EfficientNetV2B1 efficientnet_v2 240
    EfficientNetV2B2 efficientnet_v2 260
    EfficientNetV2B3 efficientnet_v2 300
    EfficientNetV2S efficientnet_v2 384
    EfficientNetV2M efficientnet_v2 480
    EfficientNetV2L efficientnet_v2 480
    InceptionResNetV2 inception_resnet_v2 299
    InceptionV3 inception_v3 299
    MobileNet mobilenet 224
    MobileNetV2 mobilenet_v2 224
    MobileNetV3Small mobilenet_v3 224
    MobileNetV3Large mobilenet_v3 224
    NASNetMobile nasnet 224
    NASNetLarge nasnet 331
    ResNet50 resnet 224
    ResNet101 resnet 224
    ResNet152 resnet 224
    ResNet50V2 resnet_v2 224
    ResNet101V2 resnet_v2 224
    ResNet152V2 resnet_v2 224
    VGG16 vgg16 224
    VGG19 vgg19 224
    Xception xception 299
"""
APPLICATIONS = tuple(
    Application(constructor, family, int(size))
    for constructor, family, size in (line.split() for line in _TABLE.strip().splitlines())
)
_BY_NAME = {application.name: application for application in APPLICATIONS}


def find_application(name: str) -> Application | None:
    """The application that `name` means ('VGG16', 'vgg-16', 'vgg_16'), or None."""
    return _BY_NAME.get(plain_name(name))


def build_application(application: Application, weights: str | Path) -> "keras.Model":
    """Builds the classifier with its 1000-class softmax head.

    Args:
        application: which one.
        weights: 'imagenet' (Keras's own download, kept in its cache), 'none' (random, the same at
            every call) or the path of a weights file.

    Raises:
        UserError: if the weights cannot be downloaded, read, or do not fit.
    """
    import keras

    constructor = getattr(keras.applications, application.constructor)
    if str(weights) == "imagenet":
        return _download(application, constructor)
    return built_with(lambda: constructor(weights=None), weights, application.name)


def _download(application: Application, constructor: Any) -> "keras.Model":
    try:
        return constructor(weights="imagenet")
    except Exception as error:
        # Keras raises a bare Exception when a download fails.
        reason = str(error).strip().splitlines()[0] if str(error).strip() else type(error).__name__
        raise UserError(
            f"cannot get the ImageNet weights of {application.name} ({reason}); without a network "
            "use the embedded model efficientnet-lite0, or --weights FILE"
        ) from error
