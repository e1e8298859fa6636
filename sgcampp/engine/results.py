"""What the engine gives: finished maps of a group of images, by look, and of one image by name."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.groups import FEWEST_GROUPS
from sgcampp.explain.classes import NO_CLASS
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import Look


class Maps(NamedTuple):
    """Finished maps of one look, for b images and T classes each; tensors within the trace.

    Attributes:
        whole: [b, T, h, w], >= 0, finite, unnormalised; the paper's L is e^{log_scale} * whole.
        single: [b, T, h, w, F], one a chosen feature map; F = 0 without a choice.
        se: [b, T, h, w], standard error of `whole`, in its units; [b, T, 0, 0] where there is none.
        relative_se: [b, T], RMS of se over the map's maximum; NaN where there is none.
        log_scale: [b, T].
        ess: [b, T], effective sample size of the sample weights, 1 … n.
        guarded: [b, T], alphas that the guard set to 0; with average=maps, in a sample on average.
        completeness: [b, T], of a method with a baseline: how far the attributions miss the rise of
            the score, as a share of it; NaN for other methods.
        reason: int32 [b, T], index into FLAT_REASONS.
    """

    whole: Any
    single: Any
    se: Any
    relative_se: Any
    log_scale: Any
    ess: Any
    guarded: Any
    completeness: Any
    reason: Any


@dataclass(frozen=True)
class Seen:
    """What the trace tells of a look.

    Attributes:
        layer: address of its layer, or `input`.
        affine: whether noise cannot change its gradients: the head after the layer is affine.
        copies: n, copies of an image that its maps average; 0: the image alone.
        groups: G, the groups of them that its maps' error is from; 0: it has none.
        bend: the first operation behind the layer that is not piecewise linear, in words; None:
            the class scores are piecewise linear in the layer.
    """

    layer: str
    affine: bool
    copies: int
    groups: int = 0
    bend: str | None = None


class Classes(NamedTuple):
    """The classes that were explained, for b images and T classes each.

    Attributes:
        class_idx: int32 [b, T].
        against_idx: int32 [b, T], the class of a contrast that counts against it, or NO_CLASS.
        scores: [b, T], class scores S of the clean image; of a contrast the difference.
        probabilities: [b, T], of class_idx; NaN for a head without softmax or sigmoid.
    """

    class_idx: NDArray[np.int32]
    against_idx: NDArray[np.int32]
    scores: NDArray[Any]
    probabilities: NDArray[Any]

    def codes(self) -> NDArray[np.int32]:
        """The same classes as class codes, int32 [b, T, 2]."""
        return np.stack([self.class_idx, self.against_idx], -1)


@dataclass(frozen=True, eq=False)
class Error:
    """How sure a map is, as far as its samples tell.

    Attributes:
        se: float32 [h, w], standard error in the map's units; None where there is none.
        relative: RMS of it over the map's maximum; None where there is none.
        reason: why there is none, of NO_ERROR_REASONS; None where there is one.
    """

    se: NDArray[np.float32] | None = None
    relative: float | None = None
    reason: str | None = None


NOT_POOLED = Error(reason="one_filter")
"""Of a single feature map's map."""


@dataclass(frozen=True, eq=False)
class ImageMap:
    """One finished saliency map of one image.

    Attributes:
        look: what was looked at.
        seen: what the trace tells of it.
        saliency: float32 [h, w].
        error: its error.
        filters: the feature maps that it is bounded to; None: all.
        class_idx: the class explained.
        against_idx: the class of a contrast that counts against it, or None.
        score: S of the clean image.
        probability: of the class; None for a head that gives none.
        log_scale: see `Maps`, as are the next two.
        copies: averaged in it: of the look, or the steps that it took.
        ess: effective sample size.
        guarded: alphas that the guard set to 0.
        completeness: of a method with a baseline; None for other methods.
        reason: why the map is flat, of FLAT_REASONS; None if it is not.
    """

    look: Look
    seen: Seen
    saliency: NDArray[np.float32]
    error: Error
    filters: tuple[int, ...] | None
    class_idx: int
    against_idx: int | None
    score: float
    probability: float | None
    log_scale: float
    copies: int
    ess: float
    guarded: int
    completeness: float | None
    reason: str | None


@dataclass(frozen=True, eq=False)
class GroupResult:
    """What a group of images gave. `maps` and `seen`: by look."""

    classes: Classes
    maps: Mapping[Look, Maps]
    seen: Mapping[Look, Seen]

    def image_maps(self, look: Look, at: int, t: int) -> Iterator[ImageMap]:
        """The maps of the at-th image's t-th class: the whole one, then one a chosen filter."""
        maps, filters = self.maps[look], look.selection.filters
        chosen = None if filters is None else tuple(filters)
        error = error_of(look, self.seen[look], maps, at, t)
        yield self._image_map(look, at, t, maps.whole[at, t], chosen, error)
        for f, k in enumerate(chosen or ()):
            yield self._image_map(look, at, t, maps.single[at, t, ..., f], (k,), NOT_POOLED)

    def _image_map(
        self,
        look: Look,
        at: int,
        t: int,
        saliency: NDArray[Any],
        filters: tuple[int, ...] | None,
        error: Error,
    ) -> ImageMap:
        classes, maps = self.classes, self.maps[look]
        against = int(classes.against_idx[at, t])
        reason = FLAT_REASONS[maps.reason[at, t]] or "no_positive_evidence"
        ess, copies = float(maps.ess[at, t]), self.seen[look].copies
        return ImageMap(
            look=look,
            seen=self.seen[look],
            saliency=saliency.astype(np.float32),
            error=error,
            filters=filters,
            class_idx=int(classes.class_idx[at, t]),
            against_idx=None if against == NO_CLASS else against,
            score=float(classes.scores[at, t]),
            probability=_known(classes.probabilities[at, t]),
            log_scale=float(maps.log_scale[at, t]),
            # A path's samples weigh alike: as many are effective as steps were taken.
            copies=round(ess) if look.tolerance is not None else copies,
            ess=ess,
            guarded=int(maps.guarded[at, t]),
            completeness=_known(maps.completeness[at, t]),
            reason=None if saliency.any() else reason,
        )


def _known(value: np.floating) -> float | None:
    """NaN, which stands for what there is not, as None."""
    return None if np.isnan(value) else float(value)


def error_of(look: Look, seen: Seen, maps: Maps, at: int, t: int) -> Error:
    """The error of the at-th image's map of the t-th class."""
    if not seen.groups:
        return Error(reason=why_no_error(look, seen))
    se, relative = maps.se[at, t].astype(np.float32), _known(maps.relative_se[at, t])
    if relative is not None:
        return Error(se, relative)
    unsure = FLAT_REASONS[maps.reason[at, t]] == "not_finite" or maps.whole[at, t].any()
    return Error(reason="not_finite") if unsure else Error(se, reason="flat")


def why_no_error(look: Look, seen: Seen) -> str | None:
    """Why no map of a look has an error, of NO_ERROR_REASONS; None if they have."""
    if seen.groups:
        return None
    if look.method.on_path:
        return "path"
    if not look.method.smooth:
        return "not_averaged"
    if look.nsamples < FEWEST_GROUPS:
        return "few_samples"
    return "memory" if seen.copies else "affine_head"
