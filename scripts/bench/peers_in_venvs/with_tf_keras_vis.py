"""Work items of tf-keras-vis."""
# mypy: disable-error-code="import-not-found"

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from tf_keras_vis.gradcam_plus_plus import GradcamPlusPlus

NETWORKS = {
    "vgg16": keras.applications.VGG16,
    "resnet50": keras.applications.ResNet50,
    "mobilenetv2": keras.applications.MobileNetV2,
}


def prepare(
    settings: dict[str, Any], images: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, Callable[[], np.ndarray]]]:
    """Facts about the network, and the work items by name."""
    tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    network = NETWORKS[settings["model"]](weights=None, classifier_activation=None)
    extractor = GradcamPlusPlus(network)
    versions = {name: version(name) for name in ("tensorflow", "keras", "tf-keras-vis")}

    def work(item: str) -> Callable[[], np.ndarray]:
        return lambda: np.asarray(
            extractor(
                lambda logits: logits[:, settings["class_idx"]],
                images[item],
                penultimate_layer=settings["layer"],
                seek_penultimate_conv_layer=False,
                expand_cam=False,
            )
        )

    about = {"weights": network.count_params(), "versions": versions}
    return about, {item: work(item) for item in images}
