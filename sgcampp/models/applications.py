"""The classifiers of keras.applications by name, listed without importing Keras."""

from dataclasses import dataclass

from sgcampp.models.families import plain_name


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
