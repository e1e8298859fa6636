"""The Python API: an Explainer for many images, and the paper's own call."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.engine.engine import GroupResult
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.grid import check_batch_size
from sgcampp.errors import UserError
from sgcampp.explain.choices import choices_from
from sgcampp.explain.lens import REASONS
from sgcampp.explain.looks import IG_STEPS, looks_of
from sgcampp.explain.noise import one_image
from sgcampp.explain.selection import Selection
from sgcampp.explain.targets import class_codes
from sgcampp.models.classifier import Classifier
from sgcampp.models.signature import input_shape

if TYPE_CHECKING:
    import keras
    from matplotlib.figure import Figure


@dataclass(frozen=True)
class Explanation:
    """Saliency maps of N images by one method at one layer, and what goes with them.

    With one class an image (the default) the class axis T is left out everywhere.

    Attributes:
        maps: float32 [N, (T,) h, w], >= 0, finite, at layer resolution (a method in pixel space: at
            that of the model's input), unnormalised. The paper's L is e^{log_scale} * map.
        filter_maps: float32 [N, (T,) F, h, w], one a chosen feature map, in the order given; None
            without `filters`.
        class_idx: int32 [N(, T)], the explained classes.
        against_idx: int32 [N(, T)], the class B of a contrast `A-vs-B`; -1 where there is none.
        scores: [N(, T)], class scores S of the clean images, before softmax or sigmoid; of a
            contrast S_A - S_B.
        probabilities: [N(, T)], of class_idx, after it; NaN for a head that has neither.
        log_scale: [N(, T)].
        ess: [N(, T)], effective sample size of the sample weights e^{S_m}, from 1 to n: how many
            samples the smoothing was really worth.
        guarded: int [N(, T)], alphas that alpha_guard set to 0.
        completeness: [N(, T)], of integrated_gradients: |sum of attributions - (S(x) - S(0))| as a
            share of |S(x) - S(0)|; NaN for other methods.
        reasons: str [N(, T)], why a map is all zeros (see maps.REASONS); "" for one that is not.
        method: its name.
        layer_name: address of the layer; `input` for a method in pixel space.
        affine_head: whether the head after the layer is affine, so that noise can't change a map
            and one pass was run whatever nsamples.
        nsamples: copies of an image that a map averages; 0: the image alone.
        class_names: of all classes, in the order of the model's outputs, where known.
    """

    maps: NDArray[np.float32]
    filter_maps: NDArray[np.float32] | None
    class_idx: NDArray[np.int32]
    against_idx: NDArray[np.int32]
    scores: NDArray[Any]
    probabilities: NDArray[Any]
    log_scale: NDArray[Any]
    ess: NDArray[Any]
    guarded: NDArray[Any]
    completeness: NDArray[Any]
    reasons: NDArray[np.str_]
    method: str
    layer_name: str
    affine_head: bool
    nsamples: int
    class_names: Sequence[str] | None = None

    def plot(self, images: ArrayLike | None = None) -> "Figure":
        """Draws the maps, over their images if these are given (see `explain.plot.plot`)."""
        from sgcampp.api.figure import plot

        return plot(self, images)

    def _repr_html_(self) -> str:
        """What a notebook shows: a table with a thumbnail of each map."""
        from sgcampp.api.figure import repr_html

        return repr_html(self)


class Explainer:
    """Explains a classifier's decisions, by one method at one layer or by several of them at once.

    The model is traced once, at the first call; further calls reuse the trace. Several methods
    and layers share the same noised passes.

    Args:
        model: a keras.Model, or a Classifier from `load_model` (which brings labels).
        layer_name: a layer, or `outer/inner`; None is the last convolutional one. Several: a list.
        method: a name of METHODS. Several: a list.
        nsamples: n, noised samples an image; 0 runs the clean image alone.
        std_dev: noise strength, as a share of the image's range (see Choices.noise_scale).
        seed: of the noise, 0 … 2^63 - 1.
        batch_size: B, samples in a device batch, or `auto`.
        filters: feature maps to look at, or None for all.
        region: whether `subset` gives the two corners of a box of neurons, or single neurons.
        subset: (row, column) neurons, or None for all.
        ig_steps: steps of integrated_gradients, >= 1.
        output_name: which output of a model with several.
        frozen: takes the model's weights as constants when it is first called, which is faster
            where there is batch normalisation; after further training make a new Explainer.
        precision: of the network: float32, bfloat16 (CPUs) or float16 (GPUs).
        jit: compiles with XLA; slower on CPUs.
        **choices: fields of `Choices`.

    Raises:
        UserError: for anything out of range, in one sentence.
    """

    def __init__(
        self,
        model: "keras.Model | Classifier",
        layer_name: str | Sequence[str] | None = None,
        method: str | Sequence[str] = "smooth_grad_cam_pp",
        nsamples: int = 0,
        std_dev: float = 0.15,
        seed: int = 0,
        batch_size: int | str = "auto",
        *,
        filters: Sequence[int] | None = None,
        region: bool = False,
        subset: Sequence[Sequence[int]] | None = None,
        ig_steps: int = IG_STEPS,
        output_name: str | None = None,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
        **choices: Any,
    ) -> None:
        self._several = not all(isinstance(x, str | None) for x in (layer_name, method))
        self.looks = looks_of(
            [layer_name] if isinstance(layer_name, str | None) else layer_name,
            [method] if isinstance(method, str) else method,
            choices_from(choices),
            Selection(filters, region, subset),
            nsamples,
            std_dev,
            seed,
            ig_steps,
        )
        of_classifier = model if isinstance(model, Classifier) else None
        self.model = of_classifier.model if of_classifier else model
        self.labels = of_classifier.labels if of_classifier else None
        self.input_shape = of_classifier.input_shape if of_classifier else input_shape(model)
        self.batch_size = check_batch_size(batch_size)
        self._settings = {
            "output_name": output_name or (of_classifier and of_classifier.output_name),
            "frozen": frozen,
            "precision": precision,
            "jit": jit,
        }
        self._ensembles: dict[tuple[int, tuple[int, ...]], Ensemble] = {}

    def __call__(self, images: ArrayLike, targets: Any = None) -> Explanation:
        """Explains images by the one method and layer.

        Args:
            images: float32 [N, H, W, C], the model's own input (`classifier.preprocess` makes it).
            targets: None for the model's own choice; a class index, wnid, label, `topN` or
                `A-vs-B` for all images; or a sequence of N of them, one an image.

        Raises:
            UserError: for images or targets that do not fit the model, or several methods.
        """
        if self._several:
            raise UserError("there are several methods or layers: call explainer.each(images)")
        return self.each(images, targets)[0]

    def each(self, images: ArrayLike, targets: Any = None) -> list[Explanation]:
        """Explains images by each method at each layer: layer by layer, pixel space last.

        Args:
            images: as for a call.
            targets: as for a call.

        Raises:
            UserError: for images or targets that do not fit the model.
        """
        batch = self._checked(images)
        codes = self.codes(targets, len(batch))
        ensemble = self.ensemble(codes.shape[1], batch.shape[1:])
        layout = ensemble.lay_out(self.batch_size, len(batch))
        groups = [
            ensemble.run(batch[at : at + layout.images], codes[at : at + layout.images], layout)
            for at in range(0, len(batch), layout.images)
        ]
        names = None if self.labels is None else [label.name for label in self.labels]
        return [_explanation(ensemble, at, groups, names) for at in range(len(self.looks))]

    def ensemble(self, classes: int, image_shape: tuple[int, ...]) -> Ensemble:
        """The engines for T classes an image of shape (H, W, C); traces the model first."""
        key = classes, image_shape
        if key not in self._ensembles:
            self._ensembles[key] = Ensemble(
                self.model, image_shape, self.looks, classes, **self._settings
            )
        return self._ensembles[key]

    def _checked(self, images: ArrayLike) -> NDArray[np.float32]:
        batch = np.asarray(images)
        fits = batch.ndim == 4 and all(
            own in {None, given}
            for own, given in zip(self.input_shape, batch.shape[1:], strict=True)
        )
        if not fits or not batch.size:
            expected = ", ".join("any" if n is None else str(n) for n in self.input_shape)
            raise UserError(
                f"images have shape {batch.shape}, accepted: [N, {expected}], the model's own "
                "input (classifier.preprocess makes it from uint8 RGB)"
            )
        return batch.astype(np.float32, copy=False)

    def codes(self, targets: Any, count: int) -> NDArray[np.int32]:
        """Class codes, int32 [N, T, 2], of the targets that a call takes (see `targets`)."""
        if targets is None or isinstance(targets, (str, int, np.integer)):
            codes = class_codes("argmax" if targets is None else targets, self.labels)
            return np.tile(np.array(codes, np.int32), (count, 1, 1))
        if len(targets) != count:
            raise UserError(f"{len(targets)} targets for {count} images, accepted: one an image")
        each = [class_codes(target, self.labels) for target in targets]
        if len({len(codes) for codes in each}) > 1:
            raise UserError("targets ask for different numbers of classes, accepted: the same")
        return np.array(each, np.int32)


def grad_cam_plus_smooth(
    model: "keras.Model | Classifier",
    img: ArrayLike,
    layer_name: str | None = None,
    nsamples: int = 0,
    std_dev: float = 0.15,
    filters: Sequence[int] | None = None,
    region: bool = False,
    subset: Sequence[Sequence[int]] | None = None,
    *,
    class_idx: int | None = None,
    seed: int = 0,
    **choices: Any,
) -> NDArray[np.float32]:
    """Smooth Grad-CAM++ of one image: the call of the paper (Omeiza et al. 2019, section 3.4).

    Args:
        model: a keras.Model, or a Classifier.
        img: [H, W, C] or [1, H, W, C], the model's own (preprocessed) input.
        layer_name: a layer, or `outer/inner`; None is the last convolutional one.
        nsamples: n, noised samples.
        std_dev: noise strength, as a share of the image's range.
        filters: feature maps that bound all equations, or None for all.
        region: whether `subset` gives the two corners of an inclusive box, or single neurons.
        subset: (row, column) neurons, or None for all.
        class_idx: the class to explain, or None for the model's choice on the clean image.
        seed: of the noise.
        **choices: fields of `Choices`.

    Returns:
        float32 [h, w], the saliency map at layer resolution, >= 0, unnormalised.

    Raises:
        UserError: for anything out of range, in one sentence.
    """
    explainer = Explainer(
        model,
        layer_name,
        nsamples=nsamples,
        std_dev=std_dev,
        seed=seed,
        filters=filters,
        region=region,
        subset=subset,
        frozen=True,
        **choices,
    )
    return explainer(one_image(img)[None], class_idx).maps[0]


def _explanation(
    ensemble: Ensemble,
    at: int,
    groups: Sequence[GroupResult],
    class_names: Sequence[str] | None,
) -> Explanation:
    """What the groups tell of one look."""
    look, seen = ensemble.looks[at], ensemble.seen[at]
    maps = [group.maps[at] for group in groups]

    def joined(parts: Iterable[NDArray[Any]]) -> NDArray[Any]:
        whole = np.concatenate(list(parts))
        return whole[:, 0] if whole.shape[1] == 1 else whole

    single = joined(np.moveaxis(of.single, -1, 2) for of in maps).astype(np.float32)
    return Explanation(
        maps=joined(of.whole for of in maps).astype(np.float32),
        filter_maps=None if look.selection.filters is None else single,
        class_idx=joined(group.class_idx for group in groups),
        against_idx=np.maximum(joined(group.against_idx for group in groups), -1),
        scores=joined(group.scores for group in groups),
        probabilities=joined(group.probabilities for group in groups),
        log_scale=joined(of.log_scale for of in maps),
        ess=joined(of.ess for of in maps),
        guarded=joined(of.guarded for of in maps).astype(np.int64),
        completeness=joined(of.completeness for of in maps),
        reasons=np.array(REASONS)[joined(of.reason for of in maps)],
        method=look.method.name,
        layer_name=seen.layer,
        affine_head=seen.affine,
        nsamples=seen.copies,
        class_names=class_names,
    )
