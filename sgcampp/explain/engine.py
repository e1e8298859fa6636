"""Runs a tapped model over a grid of images × noised samples and averages its derivatives.

One traced function, called once a slice of samples; its state stays on the device and only
finished maps leave it.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgcampp.explain.accumulate import Accumulator, LayerState, Slice, start_layer
from sgcampp.explain.grid import Grid
from sgcampp.explain.maps import Lens
from sgcampp.explain.noise import NoiseSource, noised
from sgcampp.explain.precision import check_precision, running_in
from sgcampp.explain.sampling import Sampling
from sgcampp.explain.tap import Tapped, depends_on, gradients, tap
from sgcampp.explain.targets import check_codes

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


class GaveUp(Exception):
    """A group was left unfinished on request."""


class DeviceMemoryError(Exception):
    """The device has no memory for a batch."""


class State(NamedTuple):
    """What a group of b images carries from slice to slice.

    `class_idx`: int32 [b, T]; `scores`, `probabilities`: [b, T], of the clean image.
    """

    class_idx: "tf.Tensor"
    scores: "tf.Tensor"
    probabilities: "tf.Tensor"
    layers: tuple[LayerState, ...]


class Maps(NamedTuple):
    """Finished maps of one layer and method, for b images and T classes each.

    Attributes:
        whole: [b, T, h, w], >= 0, finite, unnormalised; the paper's L is e^{log_scale} * whole.
        single: [b, T, h, w, F], one a chosen feature map; F = 0 without a choice.
        log_scale: [b, T].
        ess: [b, T], effective sample size of the sample weights, 1 … n.
        guarded: [b, T], alphas that the guard set to 0; with average=maps, in a sample on average.
        reason: int32 [b, T], index into maps.REASONS.
    """

    whole: NDArray[Any]
    single: NDArray[Any]
    log_scale: NDArray[Any]
    ess: NDArray[Any]
    guarded: NDArray[Any]
    reason: NDArray[Any]


@dataclass(frozen=True)
class GroupResult:
    """What a group of images gave.

    Attributes:
        class_idx: int32 [b, T].
        scores: [b, T], class scores S of the clean image.
        probabilities: [b, T]; NaN for a head without softmax or sigmoid.
        maps: by (layer address, method name).
    """

    class_idx: NDArray[np.int32]
    scores: NDArray[Any]
    probabilities: NDArray[Any]
    maps: dict[tuple[str, str], Maps]


class Engine:
    """One traced model, tapped at some layers, ready to run groups of images.

    Attributes:
        layers: addresses of the tapped layers.
        layer_shapes: their (h, w, K).
        class_count: C.
        classes: T, classes an image.
        affine: a layer each, whether noise cannot change its gradients (the head is affine).

    Args:
        model: the Keras model; it is not changed.
        input_shape: (H, W, C) of its input.
        layer_names: layers to tap; None is the default layer.
        output_name: which output of a model with several.
        sampling: what to run.
        classes: T, classes an image.
        frozen: takes the weights as constants, as they are now: faster where there is batch
            normalisation, but blind to further training.
        precision: of the network, see `precision`.
        jit: compiles with XLA.

    Raises:
        UserError: for layers, outputs, feature maps or neurons that the model does not have.
    """

    layers: tuple[str, ...]
    layer_shapes: tuple[tuple[int, int, int], ...]
    class_count: int
    affine: tuple[bool, ...]

    def __init__(
        self,
        model: "keras.Model",
        input_shape: tuple[int, ...],
        layer_names: tuple[str | None, ...],
        output_name: str | None,
        sampling: Sampling,
        classes: int = 1,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
    ) -> None:
        import tensorflow as tf

        self.model, self.sampling = model, sampling
        self._layer_names, self._output_name, self.classes = layer_names, output_name, classes
        check_precision(precision)
        self._precision = precision
        self._frozen = frozen
        # Sums are float32 at least, whatever the network runs in.
        double = any(str(variable.dtype) == "float64" for variable in model.weights)
        self._dtype = tf.float64 if double else tf.float32
        state = self._start(np.zeros([1, classes], np.int32))
        compiled = tf.function(self._run_slice, autograph=False, jit_compile=jit or None)
        self._step = compiled.get_concrete_function(
            tf.TensorSpec([None, *input_shape], tf.float32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, *input_shape], tf.float32),
            tf.nest.map_structure(lambda t: tf.TensorSpec([None] * len(t.shape), t.dtype), state),
        )
        self._noise = NoiseSource(sampling.seed, input_shape)
        self._finish = tf.function(self._finished, autograph=False).get_concrete_function(
            self._step.structured_outputs
        )

    @property
    def passes(self) -> int:
        """Noised passes an image that can change a map: n, or 0 where noise can't change any."""
        unmoved = all(self.affine) and self.sampling.choices.activations == "clean"
        return self.sampling.nsamples if self.sampling.smooth_methods and not unmoved else 0

    def run(
        self,
        images: NDArray[np.float32],
        codes: NDArray[np.int32],
        grid: Grid,
        give_up: Callable[[], bool] = lambda: False,
    ) -> GroupResult:
        """Explains one group of images.

        Args:
            images: float32 [k, H, W, C], 1 <= k <= grid.images, the model's own input.
            codes: int32 [k, T], class codes (see `targets`).
            grid: from `lay_out(self.passes, …)`.
            give_up: asked before each slice of samples.

        Raises:
            UserError: for a class that the model does not have.
            GaveUp: when `give_up` said so; the group has no result.
            DeviceMemoryError: when the device has no memory for the grid's batches.
        """
        import tensorflow as tf

        check_codes(codes.ravel().tolist(), self.class_count)
        count = len(images)
        rows = np.minimum(np.arange(grid.images), count - 1)
        try:
            batch = tf.constant(images[rows])
            state = self._start(codes[rows])
            for samples in grid.slices:
                if give_up():
                    raise GaveUp
                with running_in(self._precision):
                    noise = self._noise(samples)
                    state = self._step(batch, tf.constant(samples), noise, state)
            finished = self._finish(state)
        except tf.errors.ResourceExhaustedError as error:
            raise DeviceMemoryError(str(error)) from error
        maps = {
            key: Maps(*(part.numpy()[:count] for part in parts)) for key, parts in finished.items()
        }
        class_idx, scores, probabilities = (part.numpy()[:count] for part in state[:3])
        return GroupResult(class_idx, scores, probabilities, maps)

    def _start(self, codes: NDArray[np.int32]) -> State:
        """The state before the first slice; axes of length 1 broadcast to the layer's size."""
        import tensorflow as tf

        count, classes = codes.shape
        zero = tf.zeros([count, classes], self._dtype)
        of_layer = start_layer(self.sampling, count, classes, self._dtype)
        return State(tf.constant(codes), zero, zero, (of_layer,) * len(self._layer_names))

    def _run_slice(
        self, images: "tf.Tensor", samples: "tf.Tensor", noise: "tf.Tensor", state: State
    ) -> State:
        """Adds one slice of samples; the slice that has sample 0 also sets what is clean.

        Args:
            images: float32 [b, H, W, C].
            samples: int32 [s], sample numbers.
            noise: float32 [s, H, W, C], of these samples.
            state: of the slices before.
        """
        import tensorflow as tf

        sampling, shape = self.sampling, images.shape
        x = noised(images, noise, sampling.std_dev, sampling.choices.noise_scale)
        x = tf.reshape(x, [-1, *shape[1:]])
        tapped = tap(self.model, x, self._layer_names, self._output_name, self._frozen)
        self._learn(tapped)

        def by_image(rows: "tf.Tensor") -> "tf.Tensor":
            """[b * s, ...] -> [b, s, ...], float32 at least."""
            outer = [tf.shape(images)[0], tf.shape(samples)[0]]
            return tf.reshape(tf.cast(rows, self._dtype), [*outer, *rows.shape[1:]])

        logits = by_image(tapped.logits)
        codes = tf.ensure_shape(state.class_idx, [None, self.classes])
        class_idx = _classes_by_rank(codes, logits[:, 0])
        S = _of_classes(logits, class_idx)
        g = [
            [by_image(d) for d in gradients(S[..., t], tapped.activations, tapped.layers)]
            for t in range(S.shape[-1])
        ]
        self.affine = tuple(
            not any(depends_on(of_class[i], images, [class_idx]) for of_class in g)
            for i in range(len(tapped.layers))
        )
        part = Slice(tf.equal(samples[0], 0), samples > 0)
        probabilities = tf.fill(tf.shape(S[:, 0]), tf.constant(np.nan, S.dtype))
        if tapped.probabilities is not None:
            probabilities = _of_classes(by_image(tapped.probabilities), class_idx)[:, 0]
        layers = tuple(
            self._at(i).add(state.layers[i], by_image(A), S, [of_class[i] for of_class in g], part)
            for i, A in enumerate(tapped.activations)
        )
        return State(
            class_idx,
            tf.where(part.first, S[:, 0], state.scores),
            tf.where(part.first, probabilities, state.probabilities),
            layers,
        )

    def _learn(self, tapped: Tapped) -> None:
        """Keeps what the trace tells of the model; refuses what the selection can't find in it."""
        self.layers = tapped.layers
        self.layer_shapes = tuple(tuple(A.shape[1:]) for A in tapped.activations)
        self.class_count = tapped.logits.shape[-1]
        check_codes([-self.classes], self.class_count)
        self._lenses = tuple(
            Lens(self.sampling.selection, self.sampling.choices, layer) for layer in tapped.layers
        )
        for lens, A in zip(self._lenses, tapped.activations, strict=True):
            lens.check(A)

    def _at(self, layer: int) -> Accumulator:
        """The work at one of the tapped layers."""
        return Accumulator(self.sampling, self._lenses[layer], self.passes)

    def _finished(self, state: State) -> dict[tuple[str, str], tuple]:
        """From sums to maps: by (layer, method), the fields of `Maps` as tensors."""
        import tensorflow as tf

        finished = {}
        for i, of_layer in enumerate(state.layers):
            for method in self.sampling.methods:
                each = [
                    self._at(i).finish(method, of_layer, of_class, state.scores[:, t])
                    for t, of_class in enumerate(of_layer.classes)
                ]
                parts = (tf.stack(part, 1) for part in zip(*each, strict=True))
                finished[self.layers[i], method.name] = tuple(parts)
        return finished


def _classes_by_rank(codes: "tf.Tensor", clean_logits: "tf.Tensor") -> "tf.Tensor":
    """Replaces codes -1, -2, … by the classes of the highest, second highest, … clean score.

    Args:
        codes: int32 [b, T].
        clean_logits: [b, C].

    Returns:
        int32 [b, T].
    """
    import tensorflow as tf

    most = min(codes.shape[-1], clean_logits.shape[-1])
    ranked = tf.math.top_k(clean_logits, most).indices
    rank = tf.clip_by_value(-codes - 1, 0, most - 1)
    return tf.where(codes < 0, tf.gather(ranked, rank, batch_dims=1), codes)


def _of_classes(scores: "tf.Tensor", class_idx: "tf.Tensor") -> "tf.Tensor":
    """Picks classes: scores [b, s, C], class_idx [b, T] -> [b, s, T]."""
    import tensorflow as tf

    samples = tf.shape(scores)[1]
    return tf.gather(scores, tf.repeat(class_idx[:, None], samples, axis=1), batch_dims=2)
