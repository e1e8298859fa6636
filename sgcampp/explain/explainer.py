"""The Python API: an Explainer for many images, and the paper's own call."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.errors import UserError
from sgcampp.explain.choices import choices_from
from sgcampp.explain.engine import Engine, GroupResult
from sgcampp.explain.grid import check_batch_size, lay_out
from sgcampp.explain.maps import REASONS
from sgcampp.explain.methods import find_method
from sgcampp.explain.noise import check_noise, one_image
from sgcampp.explain.sampling import Sampling
from sgcampp.explain.selection import Selection
from sgcampp.explain.targets import class_codes
from sgcampp.models.classifier import Classifier
from sgcampp.models.signature import input_shape

if TYPE_CHECKING:
    import keras


@dataclass(frozen=True)
class Explanation:
    """Saliency maps of N images and what goes with them.

    With one class an image (the default) the class axis T is left out everywhere.

    Attributes:
        maps: float32 [N, (T,) h, w], >= 0, finite, at layer resolution, unnormalised. The paper's
            L is e^{log_scale} * map.
        filter_maps: float32 [N, (T,) F, h, w], one a chosen feature map, in the order given; None
            without `filters`.
        class_idx: int32 [N(, T)], the explained classes.
        scores: [N(, T)], class scores S of the clean images, before softmax or sigmoid.
        probabilities: [N(, T)], after it; NaN for a head that has neither.
        log_scale: [N(, T)].
        ess: [N(, T)], effective sample size of the sample weights e^{S_m}, from 1 to n: how many
            samples the smoothing was really worth.
        guarded: int [N(, T)], alphas that alpha_guard set to 0.
        reasons: str [N(, T)], why a map is all zeros (see maps.REASONS); "" for one that is not.
        affine_head: whether the head after the layer is affine, so that noise can't change a map
            and one pass was run whatever nsamples.
        layer_name: address of the layer.
        passes: noised passes run for each image.
    """

    maps: NDArray[np.float32]
    filter_maps: NDArray[np.float32] | None
    class_idx: NDArray[np.int32]
    scores: NDArray[Any]
    probabilities: NDArray[Any]
    log_scale: NDArray[Any]
    ess: NDArray[Any]
    guarded: NDArray[Any]
    reasons: NDArray[np.str_]
    affine_head: bool
    layer_name: str
    passes: int


class Explainer:
    """Explains a classifier's decisions by one method at one layer.

    The model is traced once, at the first call; further calls reuse the trace.

    Args:
        model: a keras.Model, or a Classifier from `load_model` (which brings labels).
        layer_name: a layer, or `outer/inner`; None is the last convolutional one.
        method: a name of METHODS.
        nsamples: n, noised samples an image; 0 runs the clean image alone.
        std_dev: noise strength, as a share of the image's range (see Choices.noise_scale).
        seed: of the noise, 0 … 2^63 - 1.
        batch_size: B, samples in a device batch, or `auto`.
        filters: feature maps to look at, or None for all.
        region: whether `subset` gives the two corners of a box of neurons, or single neurons.
        subset: (row, column) neurons, or None for all.
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
        layer_name: str | None = None,
        method: str = "smooth_grad_cam_pp",
        nsamples: int = 0,
        std_dev: float = 0.15,
        seed: int = 0,
        batch_size: int | str = "auto",
        *,
        filters: Sequence[int] | None = None,
        region: bool = False,
        subset: Sequence[Sequence[int]] | None = None,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
        **choices: Any,
    ) -> None:
        check_noise(nsamples, std_dev, seed)
        of_classifier = model if isinstance(model, Classifier) else None
        self.model = of_classifier.model if of_classifier else model
        self.labels = of_classifier.labels if of_classifier else None
        self.output_name = of_classifier.output_name if of_classifier else None
        self.input_shape = of_classifier.input_shape if of_classifier else input_shape(model)
        self.batch_size = check_batch_size(batch_size)
        self.layer_name = layer_name
        self.frozen, self.precision, self.jit = frozen, precision, jit
        self.sampling = Sampling(
            (find_method(method),),
            choices_from(choices),
            Selection(filters, region, subset),
            int(nsamples),
            float(std_dev),
            int(seed),
        )
        self._engines: dict[tuple[int, tuple[int, ...]], Engine] = {}

    def __call__(self, images: ArrayLike, targets: Any = None) -> Explanation:
        """Explains images.

        Args:
            images: float32 [N, H, W, C], the model's own input (`classifier.preprocess` makes it).
            targets: None for the model's own choice; a class index, wnid, label or `topN` for all
                images; or a sequence of N of them, one an image.

        Raises:
            UserError: for images or targets that do not fit the model.
        """
        batch = self._checked(images)
        codes = self.codes(targets, len(batch))
        engine = self.engine(codes.shape[1], batch.shape[1:])
        grid = lay_out(engine.passes, self.batch_size, len(batch))
        groups = [
            engine.run(batch[at : at + grid.images], codes[at : at + grid.images], grid)
            for at in range(0, len(batch), grid.images)
        ]
        return _explanation(engine, groups)

    def engine(self, classes: int, image_shape: tuple[int, ...]) -> Engine:
        """The engine for T classes an image of shape (H, W, C); traces the model the first time."""
        key = classes, image_shape
        if key not in self._engines:
            self._engines[key] = Engine(
                self.model,
                image_shape,
                (self.layer_name,),
                self.output_name,
                self.sampling,
                classes,
                self.frozen,
                self.precision,
                self.jit,
            )
        return self._engines[key]

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
        """Class codes, int32 [N, T], of the targets that a call takes (see `targets`)."""
        labels = self.labels
        if targets is None or isinstance(targets, (str, int, np.integer)):
            codes = class_codes("argmax" if targets is None else targets, labels)
            return np.tile(np.array(codes, np.int32), (count, 1))
        if len(targets) != count:
            raise UserError(f"{len(targets)} targets for {count} images, accepted: one an image")
        each = [class_codes(target, labels) for target in targets]
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


def _explanation(engine: Engine, groups: Sequence[GroupResult]) -> Explanation:
    key = (engine.layers[0], engine.sampling.methods[0].name)
    of_group = [group.maps[key] for group in groups]

    def joined(parts: Iterator[NDArray[Any]]) -> NDArray[Any]:
        whole = np.concatenate(list(parts))
        return whole[:, 0] if whole.shape[1] == 1 else whole

    single = joined(np.moveaxis(maps.single, -1, 2) for maps in of_group).astype(np.float32)
    return Explanation(
        maps=joined(maps.whole for maps in of_group).astype(np.float32),
        filter_maps=single if engine.sampling.selection.filters is not None else None,
        class_idx=joined(group.class_idx for group in groups),
        scores=joined(group.scores for group in groups),
        probabilities=joined(group.probabilities for group in groups),
        log_scale=joined(maps.log_scale for maps in of_group),
        ess=joined(maps.ess for maps in of_group),
        guarded=joined(maps.guarded for maps in of_group).astype(np.int64),
        reasons=np.array(REASONS)[joined(maps.reason for maps in of_group)],
        affine_head=engine.affine[0],
        layer_name=engine.layers[0],
        passes=engine.passes,
    )
