"""Which metrics are measured together, and what images must be scored for them."""

from collections.abc import Sequence

from sgcampp.metrics.catalogue import METRICS
from sgcampp.metrics.metric import Metric

DROPS = ("average_drop", "average_increase", "average_gain", "win")
SHAPES = ("entropy", "gini", "sharpness", "smoothness_gain")
CURVES = ("insertion", "deletion", "srg")
OBJECTS = (
    *("pointing_game", "energy", "loc_iou_0", "loc_iou_25", "loc_iou_50", "instance_recall"),
    *("instance_recall_several", "max_box_acc", "pxap"),
)
"""Metrics that need annotated objects."""
CHANGES = (
    *("max_sensitivity", "avg_sensitivity", "seed_sensitivity"),
    *("mprt_spearman", "mprt_ssim", "emprt"),
)
"""Metrics of how a map changes: under noise, another seed, other weights."""
PRESETS = {
    "quick": (*DROPS, *SHAPES),
    "standard": (*DROPS, *CURVES, *OBJECTS, *SHAPES),
    "full": (*DROPS, *CURVES, "road", "mu_fidelity", "adcc", *OBJECTS, *CHANGES, *SHAPES),
}
"""Metrics by preset, in the order of tables; those of OBJECTS only where there are boxes."""

ORDER = PRESETS["full"]
"""Of tables; other metrics come behind."""

CURVE_NAMES = ("insertion_curve", "deletion_curve", "lerf_curve")


def chosen_metrics(preset: str, named: Sequence[str], boxes: bool) -> list[Metric]:
    """The metrics of a preset, or those named in its place.

    Args:
        preset: of PRESETS.
        named: metrics by name; none: those of the preset.
        boxes: whether there are annotated objects.

    Raises:
        UserError: for an unknown name.
    """
    names = list(dict.fromkeys(named)) or list(PRESETS[preset])
    found = [METRICS.find(name) for name in names]
    return found if named or boxes else [each for each in found if each.name not in OBJECTS]


def passes_a_map(metrics: Sequence[Metric], steps: int) -> int:
    """How many images must be scored for one map, beside those that an image's maps share."""
    needs = {need for metric in metrics for need in metric.needs}
    curves = sum(name in needs for name in CURVE_NAMES) * (steps - 1)
    return curves + ("p1" in needs)
