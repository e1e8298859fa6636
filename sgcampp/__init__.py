"""Smooth Grad-CAM++ saliency maps for image classifiers, in bulk.

Names are imported when first used: `import sgcampp` costs no TensorFlow.
"""

import importlib
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from sgcampp.api.evaluating import evaluate
    from sgcampp.api.explainer import Explainer, grad_cam_plus_smooth
    from sgcampp.api.explanation import Explanation
    from sgcampp.errors import UserError
    from sgcampp.explain.noise import noised_samples
    from sgcampp.models.classifier import Classifier
    from sgcampp.models.loading import load_model
    from sgcampp.pictures.rendering import heatmap, overlay

__version__ = "0.1.0"

_HOMES = {
    "Classifier": "sgcampp.models.classifier",
    "Explainer": "sgcampp.api.explainer",
    "Explanation": "sgcampp.api.explanation",
    "UserError": "sgcampp.errors",
    "evaluate": "sgcampp.api.evaluating",
    "grad_cam_plus_smooth": "sgcampp.api.explainer",
    "heatmap": "sgcampp.pictures.rendering",
    "load_model": "sgcampp.models.loading",
    "noised_samples": "sgcampp.explain.noise",
    "overlay": "sgcampp.pictures.rendering",
}

__all__ = [
    "Classifier",
    "Explainer",
    "Explanation",
    "UserError",
    "evaluate",
    "grad_cam_plus_smooth",
    "heatmap",
    "load_model",
    "noised_samples",
    "overlay",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'sgcampp' has no attribute {name!r}")
    value = getattr(importlib.import_module(_HOMES[name]), name)
    globals()[name] = value
    return value


def __dir__() -> list[str]:
    return sorted([*globals(), *_HOMES])
