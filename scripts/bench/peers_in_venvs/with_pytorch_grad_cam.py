"""Work items of pytorch-grad-cam."""
# mypy: disable-error-code="import-not-found"

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import torch_models
from pytorch_grad_cam import GradCAMPlusPlus
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget


def prepare(
    settings: dict[str, Any], images: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, Callable[[], np.ndarray]]]:
    """Facts about the network, and the work items by name."""
    network, layer = torch_models.build(settings)
    batches = torch_models.tensors(images, settings["channels_last"])
    extractor = GradCAMPlusPlus(model=network, target_layers=[layer])
    about = torch_models.facts(network)
    about["versions"]["grad-cam"] = version("grad-cam")

    def work(item: str) -> Callable[[], np.ndarray]:
        targets = [ClassifierOutputTarget(settings["class_idx"])] * len(batches[item])
        return lambda: extractor(input_tensor=batches[item], targets=targets)

    return about, {item: work(item) for item in images}
