"""Explains untrained transformers of KerasHub: which layers are seen, and whether maps are made.

KerasHub is too heavy to be a dependency: `pip install keras-hub` first. Run it as
`python -m scripts.hub_transformers`.
"""

import keras
import keras_hub
import numpy as np

from sgcampp import Explainer
from sgcampp.models.layers import list_layers

SIDE = 64


def main() -> None:
    """Prints a line a network: layers seen, the default one, and the size of its maps."""
    keras.utils.set_random_seed(0)
    images = np.random.default_rng(0).uniform(-1, 1, (4, SIDE, SIDE, 3)).astype(np.float32)
    for name, model in (("vision transformer", vision_transformer()), ("Swin", swin())):
        seen = list_layers(model, (SIDE, SIDE, 3))
        found = Explainer(model, method="hires_cam")(images)
        drawn = sum(not reason for reason in found.reasons)
        print(
            f"{name}: {len(seen)} layers, {found.layer_name} by default, maps "
            f"{found.maps.shape[1:]}, {drawn} of {len(images)} with positive evidence"
        )


def vision_transformer() -> keras.Model:
    """With a class token and 4×4 patches."""
    backbone = keras_hub.models.ViTBackbone(
        image_shape=(SIDE, SIDE, 3),
        patch_size=(16, 16),
        num_layers=3,
        num_heads=2,
        hidden_dim=32,
        mlp_dim=64,
    )
    return keras_hub.models.ViTImageClassifier(backbone=backbone, num_classes=5, preprocessor=None)


def swin() -> keras.Model:
    """With windows of 4×4 among 16×16 and then 8×8 patches."""
    backbone = keras_hub.models.SwinTransformerBackbone(
        image_shape=(SIDE, SIDE, 3),
        embed_dim=16,
        depths=[2, 2],
        num_heads=[2, 4],
        window_size=4,
    )
    image = keras.Input((SIDE, SIDE, 3))
    pooled = keras.layers.GlobalAveragePooling1D()(backbone(image))
    return keras.Model(image, keras.layers.Dense(5, activation="softmax")(pooled))


if __name__ == "__main__":
    main()
