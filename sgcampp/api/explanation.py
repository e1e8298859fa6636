"""What an Explainer returns."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.engine.results import GroupResult
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import Look

if TYPE_CHECKING:
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Explanation:
    """Saliency maps of N images by one method at one layer, and what goes with them.

    With one class an image (the default) the class axis T is left out everywhere.

    Attributes:
        maps: float32 [N, (T,) h, w], finite, >= 0 unless `signed`, at layer resolution (a method in
            pixel space: at that of the model's input), unnormalised. The paper's L is
            e^{log_scale} * map.
        filter_maps: float32 [N, (T,) F, h, w], one a chosen feature map, in the order given; None
            without `filters`.
        standard_error: float32 [N, (T,) h, w], how far a map would lie from that of infinitely many
            samples at the same maximum, one standard deviation, in the map's units, by the
            delete-one-group jackknife; None where no map has one (`no_error` tells why).
        relative_se: [N(, T)], RMS of a map's standard error over its maximum; NaN where there is
            none.
        no_error: str [N(, T)], why not (see NO_ERROR_REASONS); "" for a map that has one.
        class_idx: int32 [N(, T)], the explained classes.
        against_idx: int32 [N(, T)], the class B of a contrast `A-vs-B`; -1 where there is none.
        scores: [N(, T)], class scores S of the clean images, before softmax or sigmoid; of a
            contrast S_A - S_B.
        probabilities: [N(, T)], of class_idx, after it; NaN for a head that has neither.
        log_scale: [N(, T)].
        ess: [N(, T)], effective sample size of the sample weights e^{S_m}, from 1 to n: how many
            samples the smoothing was really worth; of integrated_gradients the steps taken.
        guarded: int [N(, T)], alphas that alpha_guard set to 0.
        completeness: [N(, T)], of integrated_gradients and deep_lift, with x0 the baseline:
            |sum of attributions - (S(x) - S(x0))| as a share of |S(x) - S(x0)|; NaN for others.
        r2: [N(, T)], of `lime`: how well its own model fits the scores, at most 1; NaN for others.
        reasons: str [N(, T)], why a map is all zeros (see FLAT_REASONS); "" for one that is not.
        method: its name.
        layer_name: address of the layer; `input` for a method in pixel space.
        signed: whether maps may be negative: what speaks against the class.
        affine_head: whether the head after the layer is affine, so that noise can't change a map
            and one pass was run whatever nsamples.
        nsamples: copies of an image that a map averages; 0: the image alone. With a tolerance the
            most of any image.
        samples: int32 [N], the same, image by image.
        perturbations: perturbed images that a map stands on; 0 for other methods.
        error_groups: groups of copies that the errors are from; 0: there are none.
        piecewise_linear: whether the class scores are piecewise linear in the layer, so that
            `derivatives: closed` are the true ones.
        class_names: of all classes, in the order of the model's outputs, where known.
        filters: int32 [N, (T,) F], which feature maps these are; None without `filters`.
        filter_weights: [N, (T,) F], their w^k in units of the maps; NaN for methods without.
    """

    maps: NDArray[np.float32]
    filter_maps: NDArray[np.float32] | None
    standard_error: NDArray[np.float32] | None
    relative_se: NDArray[Any]
    no_error: NDArray[np.str_]
    class_idx: NDArray[np.int32]
    against_idx: NDArray[np.int32]
    scores: NDArray[Any]
    probabilities: NDArray[Any]
    log_scale: NDArray[Any]
    ess: NDArray[Any]
    guarded: NDArray[Any]
    completeness: NDArray[Any]
    r2: NDArray[Any]
    reasons: NDArray[np.str_]
    method: str
    layer_name: str
    signed: bool
    affine_head: bool
    nsamples: int
    perturbations: int
    samples: NDArray[np.int32]
    error_groups: int
    piecewise_linear: bool
    class_names: Sequence[str] | None = None
    filters: NDArray[np.int32] | None = None
    filter_weights: NDArray[Any] | None = None

    def plot(self, images: ArrayLike | None = None) -> "Figure":
        """Draws the maps, over their images if these are given (see `api.figure.plot`)."""
        from sgcampp.api.figure import plot

        return plot(self, images)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table with a thumbnail of each map."""
        from sgcampp.api.figure import repr_html

        return repr_html(self)


def explanation_of(
    look: Look, groups: Sequence[GroupResult], class_names: Sequence[str] | None
) -> Explanation:
    """What groups of images gave for one look, as one."""
    seen = groups[0].seen[look]
    maps = [group.maps[look] for group in groups]
    samples = [group.seen[look].copies for group in groups for _ in group.maps[look].whole]
    classes = [group.classes for group in groups]

    def joined(parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
        whole = np.concatenate(list(parts))
        return whole[:, 0] if whole.shape[1] == 1 else whole

    one_by_one = look.selection.of_filters
    single = joined(np.moveaxis(of.single, -1, 2) for of in maps).astype(np.float32)
    told = one_by_one and maps[0].filters is not None
    return Explanation(
        maps=joined(of.whole for of in maps).astype(np.float32),
        filter_maps=single if one_by_one else None,
        standard_error=joined(of.se for of in maps).astype(np.float32) if seen.groups else None,
        relative_se=joined(of.relative_se for of in maps),
        no_error=joined(_no_error(look, group) for group in groups),
        class_idx=joined(of.class_idx for of in classes),
        against_idx=np.maximum(joined(of.against_idx for of in classes), -1),
        scores=joined(of.scores for of in classes),
        probabilities=joined(of.probabilities for of in classes),
        log_scale=joined(of.log_scale for of in maps),
        ess=joined(of.ess for of in maps),
        guarded=joined(of.guarded for of in maps).astype(np.int64),
        completeness=joined(of.completeness for of in maps),
        r2=joined(of.r2 for of in maps),
        reasons=np.array(FLAT_REASONS)[joined(of.reason for of in maps)],
        method=look.method.name,
        layer_name=seen.layer,
        signed=look.sign == "signed",
        affine_head=seen.affine,
        nsamples=max(samples),
        samples=np.array(samples, np.int32),
        perturbations=seen.perturbations,
        error_groups=seen.groups,
        piecewise_linear=seen.bend is None,
        class_names=class_names,
        filters=joined(of.filters for of in maps) if told else None,
        filter_weights=joined(of.weights for of in maps) if told else None,
    )


def _no_error(look: Look, group: GroupResult) -> NDArray[np.str_]:
    """Why maps of a look have no error, [b, T]; "" for those that have one."""
    maps = group.maps[look]
    images, classes = (range(length) for length in maps.whole.shape[:2])
    reasons = [[group.error_of(look, n, t).reason or "" for t in classes] for n in images]
    return np.array(reasons)
