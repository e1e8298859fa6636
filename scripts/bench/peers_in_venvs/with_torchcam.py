"""Work items of torchcam."""
# mypy: disable-error-code="import-not-found"

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import torch_models
from torchcam.methods import GradCAMpp, SmoothGradCAMpp


def prepare(
    settings: dict[str, Any], images: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, Callable[[], np.ndarray]]]:
    """Facts about the network, and the work items by name."""
    network, layer = torch_models.build(settings)
    batches = torch_models.tensors(images, settings["channels_last"])
    about = torch_models.facts(network)
    about["versions"]["torchcam"] = version("torchcam")

    def work(item: str) -> Callable[[], np.ndarray]:
        options = {"num_samples": settings["nsamples"], "std": 0.3} if item == "smooth" else {}
        method = SmoothGradCAMpp if item == "smooth" else GradCAMpp
        classes = [settings["class_idx"]] * len(batches[item])

        def explain() -> np.ndarray:
            with method(network, layer, **options) as extractor:
                scores = network(batches[item])
                return extractor(classes, scores)[0].numpy()

        return explain

    return about, {item: work(item) for item in images}
