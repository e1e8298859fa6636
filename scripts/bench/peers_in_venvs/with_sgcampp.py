"""Work items of sgcampp itself."""

from collections.abc import Callable
from typing import Any

import numpy as np


def prepare(
    settings: dict[str, Any], images: dict[str, np.ndarray]
) -> tuple[dict[str, Any], dict[str, Callable[[], np.ndarray]]]:
    """Facts about the model, and the work items by name."""
    import keras
    import tensorflow as tf

    from sgcampp import load_model

    tf.config.threading.set_intra_op_parallelism_threads(settings["threads"])
    tf.config.threading.set_inter_op_parallelism_threads(settings["threads"])
    classifier = load_model(settings["model"], "none")
    explainers = {item: _explainer(classifier, item, settings) for item in images}

    def work(item: str) -> Callable[[], np.ndarray]:
        return lambda: explainers[item](images[item], settings["class_idx"]).maps

    about = {
        "weights": classifier.model.count_params(),
        "versions": {"tensorflow": tf.__version__, "keras": keras.__version__},
    }
    return about, {item: work(item) for item in images}


def _explainer(classifier: Any, item: str, settings: dict[str, Any]) -> Any:
    from sgcampp import Explainer

    smooth, scores = item == "smooth", item.startswith("score_cam")
    plain = "score_cam" if scores else "grad_cam_pp"
    return Explainer(
        classifier,
        settings["layer"],
        method="smooth_grad_cam_pp" if smooth else plain,
        filters=range(int(item.rpartition("_")[2])) if scores else None,
        nsamples=settings["nsamples"] if smooth else 0,
        batch_size=settings["batch_size"],
        frozen=True,
        precision=settings["precision"],
    )
