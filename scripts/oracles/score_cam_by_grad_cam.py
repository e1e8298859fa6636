"""Score-CAM by pytorch-grad-cam, which upsamples with corners aligned unless told otherwise.

In an environment of its own (pip install torch==2.14.1 torchvision==0.29.1 grad-cam==1.5.7), from
the repository's root:
python -m scripts.oracles.score_cam_by_grad_cam > tests/explain/oracles/grad_cam.json
"""
# mypy: disable-error-code="import-not-found"

from functools import partial

import numpy as np
import torch
from pytorch_grad_cam import ScoreCAM
from pytorch_grad_cam.utils.model_targets import ClassifierOutputTarget

from scripts.oracles import inputs, network


def main() -> None:
    """Prints the values."""
    # Pixels' centres at half a pixel, as in the authors' own code.
    torch.nn.UpsamplingBilinear2d = partial(torch.nn.Upsample, mode="bilinear")
    model = network.torch_network()
    found: dict[str, list] = {}
    for name in ("features", "deep"):
        layer = dict(model.named_modules())[name]
        for image, c in zip(network.torch_images().split(1), network.classes(), strict=True):
            with torch.no_grad():
                upto = list(dict(model.named_modules())).index(name)
                A = model[:upto](image).numpy()
            explainer = ScoreCAM(model=model, target_layers=[layer])
            targets = [ClassifierOutputTarget(c)]
            weights = explainer.get_cam_weights(image, layer, targets, A, None)
            raw = explainer.get_cam_image(image, layer, targets, A, None)
            assert np.shape(weights) == A.shape[:2]
            found.setdefault(name, []).append(np.maximum(raw[0], 0))
    inputs.write("grad-cam", found)


if __name__ == "__main__":
    main()
