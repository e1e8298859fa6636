"""What the engine gives: finished maps of a group of images, by look, and of one image by name."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.certainty import NOT_POOLED, Error, found_error, why_no_error
from sgcampp.explain.classes import NO_CLASS
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import Look


class Maps(NamedTuple):
    """Finished maps of one look, for b images and T classes each; tensors within the trace.

    Attributes:
        whole: [b, T, h, w], finite, unnormalised, >= 0 unless its look is signed; the paper's L is
            e^{log_scale} * whole.
        single: [b, T, h, w, F], one a chosen feature map; F = 0 without a choice.
        se: [b, T, h, w], standard error of the shape of `whole` (see `jackknife`), in its units;
            [b, T, 0, 0] where there is none.
        relative_se: [b, T], RMS of se over the map's maximum; NaN where there is none.
        log_scale: [b, T].
        ess: [b, T], effective sample size of the sample weights, 1 … n.
        guarded: [b, T], alphas that the guard set to 0; with average=maps, in a sample on average.
        completeness: [b, T], of a method with a baseline: how far the attributions miss the rise of
            the score, as a share of it; NaN for other methods.
        r2: [b, T], of methods that fit a model of their own: how well it fits; NaN for others.
        reason: int32 [b, T], index into FLAT_REASONS.
        filters: int32 [b, T, F], the feature maps looked at one by one; None: as they were named.
        weights: [b, T, F], their w^k in units of the maps; NaN, or None, where there are none.
    """

    whole: Any
    single: Any
    se: Any
    relative_se: Any
    log_scale: Any
    ess: Any
    guarded: Any
    completeness: Any
    r2: Any
    reason: Any
    filters: Any = None
    weights: Any = None

    @classmethod
    def unsampled(cls, whole: NDArray[Any], single: NDArray[Any], **known: Any) -> "Maps":
        """Maps of methods that average no copies; `known`: reason, and what else is known."""
        zeros = np.zeros(whole.shape[:2], np.float32)
        unknown = zeros + np.nan
        blank = {"relative_se": unknown, "completeness": unknown, "r2": unknown}
        blank |= {"log_scale": zeros, "ess": zeros + 1, "guarded": zeros}
        return cls(whole=whole, single=single, se=whole[..., :0, :0], **{**blank, **known})


@dataclass(frozen=True)
class Seen:
    """What the trace tells of a look.

    Attributes:
        layer: address of its layer, or `input`.
        affine: whether noise cannot change its gradients: the head after the layer is affine.
        copies: n, copies of an image that its maps average; 0: the image alone.
        perturbations: perturbed images that a map stands on; 0: none.
        groups: G, the groups of them that its maps' error is from; 0: it has none.
        bend: the first operation behind the layer that is not piecewise linear, in words; None:
            the class scores are piecewise linear in the layer.
    """

    layer: str
    affine: bool
    copies: int
    groups: int = 0
    bend: str | None = None
    perturbations: int = 0


class Scanned(NamedTuple):
    """What a scan says of an image beside its map.

    Attributes:
        score: how unusual it is, >= 0; its map adds up to it.
        p_value: the share of ordinary images, of the background, that score as high or higher.
        alpha: the p-value that all neurons chosen have at most.
        neurons: how many were chosen.
    """

    score: float
    p_value: float
    alpha: float
    neurons: int


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
class ImageMap:
    """One finished saliency map of one image.

    Attributes:
        look: what was looked at.
        seen: what the trace tells of it.
        saliency: float32 [h, w].
        error: its error.
        filters: the feature maps that it is bounded to; None: all.
        weights: their weights w^k in units of the map; None where the method has none.
        class_idx: the class explained.
        against_idx: the class of a contrast that counts against it, or None.
        score: S of the clean image.
        probability: of the class; None for a head that gives none.
        log_scale: see `Maps`, as are the next two.
        copies: averaged in it: of the look, or the steps that it took.
        ess: effective sample size.
        guarded: alphas that the guard set to 0.
        completeness: of a method with a baseline; None for other methods.
        r2: of methods that fit a model of their own; None for others.
        reason: why the map is flat, of FLAT_REASONS; None if it is not.
        scanned: of a scan; None for other methods.
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
    r2: float | None
    reason: str | None
    scanned: Scanned | None = None
    weights: tuple[float, ...] | None = None


@dataclass(frozen=True, eq=False)
class GroupResult:
    """What a group of images gave. By look: `maps`, `seen`, and `scanned`, one an image."""

    classes: Classes
    maps: Mapping[Look, Maps]
    seen: Mapping[Look, Seen]
    scanned: Mapping[Look, Sequence[Scanned]] = field(default_factory=dict)

    def only(self, at: int) -> "GroupResult":
        """Of the at-th image alone."""
        one = slice(at, at + 1)
        maps = {
            look: Maps(*(None if part is None else part[one] for part in of))
            for look, of in self.maps.items()
        }
        scanned = {look: each[one] for look, each in self.scanned.items()}
        classes = Classes(*(part[one] for part in self.classes))
        return GroupResult(classes, maps, self.seen, scanned)

    def error_of(self, look: Look, at: int, t: int) -> Error:
        """How sure the at-th image's map of the t-th class is."""
        seen, maps = self.seen[look], self.maps[look]
        if not seen.groups:
            return Error(reason=why_no_error(look, seen.copies))
        reason = FLAT_REASONS[maps.reason[at, t]]
        return found_error(maps.se[at, t], maps.relative_se[at, t], reason)

    def image_maps(self, look: Look, at: int, t: int) -> Iterator[ImageMap]:
        """The maps of the at-th image's t-th class: the whole one, then one a chosen filter."""
        maps, error = self.maps[look], self.error_of(look, at, t)
        chosen: tuple[int, ...] | None = None
        if look.selection.of_filters:
            of_map = look.selection.filters if maps.filters is None else maps.filters[at, t]
            chosen = tuple(map(int, of_map))
        yield self._image_map(look, at, t, maps.whole[at, t], chosen, error, slice(None))
        for f, k in enumerate(chosen or ()):
            single, part = maps.single[at, t, ..., f], slice(f, f + 1)
            yield self._image_map(look, at, t, single, (k,), NOT_POOLED, part)

    def _image_map(
        self,
        look: Look,
        at: int,
        t: int,
        saliency: NDArray[Any],
        filters: tuple[int, ...] | None,
        error: Error,
        part: slice,
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
            copies=round(ess) if look.ig_tolerance is not None else copies,
            ess=ess,
            guarded=int(maps.guarded[at, t]),
            completeness=_known(maps.completeness[at, t]),
            r2=_known(maps.r2[at, t]),
            reason=None if saliency.any() else reason,
            scanned=self.scanned[look][at] if look in self.scanned else None,
            weights=None if maps.weights is None else _all_known(maps.weights[at, t, part]),
        )


def _known(value: np.floating) -> float | None:
    """NaN, which stands for what there is not, as None."""
    return None if np.isnan(value) else float(value)


def _all_known(weights: NDArray[Any]) -> tuple[float, ...] | None:
    known = weights.size and np.isfinite(weights).all()
    return tuple(map(float, weights)) if known else None
