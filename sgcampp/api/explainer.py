"""The Python API: an Explainer for many images, and the paper's own call."""

from collections.abc import Sequence
from typing import Any

import keras
import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.api.explanation import Explanation, explanation_of
from sgcampp.api.subject import ModelParts, examples_for
from sgcampp.engine.baselines import Baselines, chosen
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.settings import check_batch_size
from sgcampp.engine.slots import Subject
from sgcampp.engine.streaming import stream
from sgcampp.errors import UserError
from sgcampp.explain.against import IG_STEPS, ZEROS, Against
from sgcampp.explain.choices import choices_from
from sgcampp.explain.looks import looks_of
from sgcampp.explain.noise import one_image
from sgcampp.explain.perturbation import PERTURBING, Perturbing
from sgcampp.explain.selection import Selection
from sgcampp.explain.targets import class_codes
from sgcampp.explain.tolerance import check_tolerance
from sgcampp.models.classifier import Classifier


class Explainer:
    """Explains a classifier's decisions, by one method at one layer or by several of them at once.

    The model is traced once, at the first call; further calls reuse the trace. Several methods
    and layers share the same noised passes.

    Args:
        model: a keras.Model, or a Classifier from `load_model` (which brings labels).
        layer_name: a layer, or `outer/inner`; None is the last convolutional one, `smoothing` the
            last one where noise can change the maps. Several: a list.
        method: a name of METHODS. Several: a list.
        nsamples: n, noised samples an image; 0 runs the clean image alone.
        std_dev: noise strength, as a share of the image's range (see Choices.noise_scale).
        seed: of the noise, 0 … 2^63 - 1.
        batch_size: B, samples in a device batch, or `auto`.
        tolerance: samples are added until the `relative_se` of an image's maps is at most this, or
            there are nsamples of them; None: always nsamples.
        filters: feature maps to look at, `top8` for those that weigh most, or None for all.
        region: whether `subset` gives the two corners of a box of neurons, or single neurons.
        subset: (row, column) neurons, or None for all.
        ig_steps: steps of integrated_gradients, >= 1.
        tokens: (h, w), how the patches of a layer's tokens lie; None: told by their number.
        ig_tolerance: the share of the score's rise that integrated_gradients may miss: steps are
            doubled until it misses no more, or 6 times; None: ig_steps are taken.
        baseline: what integrated_gradients and deep_lift hold images against: zeros (of the model's
            input), black, mean, blur (see BASELINES), or an image [H, W, C], the model's own input.
        output_name: which output of a model with several.
        frozen: takes the model's weights as constants when it is first called, which is faster
            where there is batch normalisation; after further training make a new Explainer.
        precision: of the network: float32, bfloat16 (CPUs) or float16 (GPUs).
        jit: compiles with XLA; slower on CPUs.
        examples: float32 [N, H, W, C], inputs like those to be explained; prediction_difference
            learns from them what patches look like, and needs them.
        **choices: fields of `Choices`; for methods that perturb images those of `Perturbing`.

    Raises:
        UserError: for anything out of range, in one sentence.
    """

    def __init__(
        self,
        model: keras.Model | Classifier,
        layer_name: str | Sequence[str] | None = None,
        method: str | Sequence[str] = "smooth_grad_cam_pp",
        nsamples: int = 0,
        std_dev: float = 0.15,
        seed: int = 0,
        batch_size: int | str = "auto",
        *,
        tolerance: float | None = None,
        filters: Sequence[int | str] | str | None = None,
        region: bool = False,
        subset: Sequence[Sequence[int]] | None = None,
        ig_steps: int = IG_STEPS,
        tokens: Sequence[int] | None = None,
        ig_tolerance: float | None = None,
        baseline: str | ArrayLike = ZEROS,
        output_name: str | None = None,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
        examples: ArrayLike | None = None,
        **choices: Any,
    ) -> None:
        against, self._given = chosen(baseline)
        self._several = not all(isinstance(x, str | None) for x in (layer_name, method))
        layers = [layer_name] if isinstance(layer_name, str | None) else layer_name
        methods = [method] if isinstance(method, str) else method
        hiding = Perturbing(**{x: choices.pop(x) for x in PERTURBING if x in choices})
        which, held = Selection(filters, region, subset), Against(against, ig_steps, ig_tolerance)
        how = choices_from(choices), which, nsamples, std_dev, seed, held, tokens, hiding
        self.looks = looks_of(layers, methods, *how)
        check_tolerance(tolerance, self.looks)
        self.batch_size = check_batch_size(batch_size)
        self.examples = examples_for(self.looks, examples)
        subject = ModelParts.of(model)
        self.model, self.input_shape = subject.model, subject.input_shape
        self.labels, self._black = subject.labels, subject.black
        self.settings: dict[str, Any] = {
            **{"tolerance": tolerance, "output_name": output_name or subject.output_name},
            **{"frozen": frozen, "precision": precision, "jit": jit},
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
        if ensemble.tolerance is None:
            starts = range(0, len(batch), layout.images)
            parts = [slice(at, at + layout.images) for at in starts]
            groups = [ensemble.run(batch[part], codes[part], layout) for part in parts]
        else:
            subjects = map(Subject, range(len(batch)), batch, codes)
            done = sorted(stream(ensemble, subjects, layout), key=lambda subject: subject.what)
            groups = [ensemble.joined(subject.results) for subject in done]
        labels = self.labels
        names = None if labels is None else [label.name for label in labels]
        return [explanation_of(look, groups, names) for look in self.looks]

    def ensemble(self, classes: int, image_shape: tuple[int, ...]) -> Ensemble:
        """The engines for T classes an image of shape (H, W, C); traces the model first."""
        key = classes, image_shape
        if key not in self._ensembles:
            baselines = self.baselines(image_shape[-1])
            baselines.check(image_shape)
            self._ensembles[key] = Ensemble(
                self.model,
                image_shape,
                self.looks,
                classes,
                baselines,
                examples=lambda count: self.examples[:count],
                **self.settings,
            )
        return self._ensembles[key]

    def baselines(self, channels: int) -> Baselines:
        """What images of C channels are held against; without preprocessing, 0 is black."""
        black = np.zeros(channels, np.float32) if self._black is None else self._black
        return Baselines(black, self._given)

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
    model: keras.Model | Classifier,
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
        img: [H, W, C] or [1, H, W, C], the model's own input.
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
    selection: dict[str, Any] = {"filters": filters, "region": region, "subset": subset}
    noise: dict[str, Any] = {"nsamples": nsamples, "std_dev": std_dev, "seed": seed}
    explainer = Explainer(model, layer_name, frozen=True, **noise, **selection, **choices)
    return explainer(one_image(img)[None], class_idx).maps[0]
