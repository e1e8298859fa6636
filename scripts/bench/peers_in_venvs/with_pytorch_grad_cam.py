"""Work items of pytorch-grad-cam."""
# mypy: disable-error-code="import-not-found"

from collections.abc import Callable
from importlib.metadata import version
from typing import Any

import numpy as np
import torch
import torch_models
from pytorch_grad_cam import GradCAMPlusPlus, ScoreCAM
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
        if item.startswith("score_cam"):
            first = int(item.rpartition("_")[2])
            return lambda: _score_cam(network, layer, batches[item], targets, first)
        return lambda: extractor(input_tensor=batches[item], targets=targets)

    return about, {item: work(item) for item in images}


def _score_cam(network: Any, layer: Any, batch: Any, targets: list, first: int) -> np.ndarray:
    """Its weights of the layer's first feature maps alone, and the map that these make."""
    seen: list[Any] = []
    hook = layer.register_forward_hook(lambda *of_call: seen.append(of_call[-1]))
    with torch.no_grad():
        network(batch)
        hook.remove()
        A = seen[0][:, :first].clone()
        weights = ScoreCAM(network, [layer]).get_cam_weights(batch, layer, targets, A, None)
        return torch.relu((weights[:, :, None, None] * A).sum(1)).numpy()
