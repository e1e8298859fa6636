"""Runs a tapped model over a grid of images × samples and averages its derivatives.

One traced function, called once a slice of samples; its state stays on the device and only
finished maps leave it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.accumulate import Accumulator, PlaceState, Scores, Slice
from sgcampp.engine.copies import copies_for
from sgcampp.engine.grid import Grid
from sgcampp.engine.precision import check_precision, running_in
from sgcampp.engine.propagation import propagating
from sgcampp.engine.tap import depends_on, gradients, tap
from sgcampp.explain.classes import NO_CLASS, check_codes, resolved, scores_of
from sgcampp.explain.methods import check_pooled_head
from sgcampp.explain.sampling import INPUT, Look, Sampling

if TYPE_CHECKING:
    import keras
    import tensorflow as tf


PROBED = 8
"""Classes whose gradients tell what kind of head a model has."""


class GaveUp(Exception):
    """A group was left unfinished on request."""


class DeviceMemoryError(Exception):
    """The device has no memory for a batch."""


class State(NamedTuple):
    """What a group of b images carries from slice to slice.

    `class_idx`: int32 [b, T, 2], a class and the one it is held against, or NO_CLASS; `scores`,
    `baselines`, `probabilities`: [b, T], of the clean image, and of zeros on a path.
    """

    class_idx: "tf.Tensor"
    scores: "tf.Tensor"
    baselines: "tf.Tensor"
    probabilities: "tf.Tensor"
    places: tuple[PlaceState, ...]


class Maps(NamedTuple):
    """Finished maps of one look, for b images and T classes each.

    Attributes:
        whole: [b, T, h, w], >= 0, finite, unnormalised; the paper's L is e^{log_scale} * whole.
        single: [b, T, h, w, F], one a chosen feature map; F = 0 without a choice.
        log_scale: [b, T].
        ess: [b, T], effective sample size of the sample weights, 1 … n.
        guarded: [b, T], alphas that the guard set to 0; with average=maps, in a sample on average.
        completeness: [b, T], of integrated gradients: how far the attributions miss the rise of
            the score, as a share of it; NaN for other methods.
        reason: int32 [b, T], index into maps.REASONS.
    """

    whole: NDArray[Any]
    single: NDArray[Any]
    log_scale: NDArray[Any]
    ess: NDArray[Any]
    guarded: NDArray[Any]
    completeness: NDArray[Any]
    reason: NDArray[Any]


@dataclass(frozen=True)
class GroupResult:
    """What a group of images gave.

    Attributes:
        class_idx: int32 [b, T].
        against_idx: int32 [b, T], the class of a contrast that counts against it, or NO_CLASS.
        scores: [b, T], class scores S of the clean image; of a contrast the difference.
        probabilities: [b, T], of class_idx; NaN for a head without softmax or sigmoid.
        maps: one a look.
    """

    class_idx: NDArray[np.int32]
    against_idx: NDArray[np.int32]
    scores: NDArray[Any]
    probabilities: NDArray[Any]
    maps: tuple[Maps, ...]


@dataclass(frozen=True)
class Seen:
    """What the trace tells of a look.

    Attributes:
        layer: address of its layer, or `input`.
        shape: (h, w) of its maps.
        affine: whether noise cannot change its gradients: the head after the layer is affine.
        copies: n, copies of an image that its maps average; 0: the image alone.
    """

    layer: str
    shape: tuple[int, int]
    affine: bool
    copies: int


@dataclass(frozen=True)
class _Place:
    """A layer by name, or the input; with the looks, by number, that choose the same of it."""

    layer_name: str | None
    pixels: bool
    looks: tuple[int, ...]


class Engine:
    """One traced model, tapped where it is looked at, ready to run groups of images.

    Attributes:
        seen: what the trace tells of each look.
        class_count: C.
        classes: T, classes an image.

    Args:
        model: the Keras model; it is not changed.
        input_shape: (H, W, C) of its input.
        looks: what to look at; all share the copies of `sampling`.
        sampling: the copies of an image.
        output_name: which output of a model with several.
        classes: T, classes an image.
        frozen: takes the weights as constants, as they are now: faster where there is batch
            normalisation, but blind to further training.
        precision: of the network, see `precision`.
        jit: compiles with XLA.

    Raises:
        UserError: for layers, outputs, feature maps or neurons that the model does not have, and
            for methods that can't serve it.
    """

    seen: tuple[Seen, ...]
    class_count: int

    def __init__(
        self,
        model: "keras.Model",
        input_shape: tuple[int, ...],
        looks: Sequence[Look],
        sampling: Sampling,
        output_name: str | None = None,
        classes: int = 1,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
    ) -> None:
        import tensorflow as tf

        self.model, self.looks, self.sampling = model, tuple(looks), sampling
        self._output_name, self.classes = output_name, classes
        self._places = _places(self.looks)
        check_precision(precision)
        self._precision = precision
        self._frozen = frozen
        # Sums are float32 at least, whatever the network runs in.
        double = any(str(variable.dtype) == "float64" for variable in model.weights)
        self._dtype = tf.float64 if double else tf.float32
        self._copies = copies_for(sampling, input_shape)
        self._accumulators = [Accumulator(self._at(place)) for place in self._places]
        state = self._start(np.zeros([1, classes, 2], np.int32))
        compiled = tf.function(self._run_slice, autograph=False, jit_compile=jit or None)
        self._step = compiled.get_concrete_function(
            tf.TensorSpec([None, *input_shape], tf.float32),
            tf.TensorSpec([None], tf.int32),
            tf.TensorSpec([None, *self._copies.shape], tf.float32),
            tf.nest.map_structure(lambda t: tf.TensorSpec([None] * len(t.shape), t.dtype), state),
        )
        self._finish = tf.function(self._finished, autograph=False).get_concrete_function(
            self._step.structured_outputs
        )
        self._refuse_other_heads(input_shape)

    @property
    def passes(self) -> int:
        """Passes an image beside its own: n, or 0 where no copy can change a map."""
        most = max(accumulator.copies for accumulator in self._accumulators)
        return most + self._copies.extra if most else 0

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
            codes: int32 [k, T, 2], class codes (see `targets`).
            grid: from `lay_out(self.passes, …)`.
            give_up: asked before each slice of samples.

        Raises:
            UserError: for a class that the model does not have.
            GaveUp: when `give_up` said so; the group has no result.
            DeviceMemoryError: when the device has no memory for the grid's batches.
        """
        import tensorflow as tf

        check_codes(codes, self.class_count)
        count = len(images)
        rows = np.minimum(np.arange(grid.images), count - 1)
        try:
            batch = tf.constant(images[rows])
            state = self._start(codes[rows])
            for samples in grid.slices:
                if give_up():
                    raise GaveUp
                with running_in(self._precision):
                    drawn = self._copies.draw(samples)
                    state = self._step(batch, tf.constant(samples), drawn, state)
            finished = self._finish(state)
        except tf.errors.ResourceExhaustedError as error:
            raise DeviceMemoryError(str(error)) from error
        maps = tuple(Maps(*(part.numpy()[:count] for part in parts)) for parts in finished)
        class_idx, scores, _, probabilities = (part.numpy()[:count] for part in state[:4])
        return GroupResult(class_idx[..., 0], class_idx[..., 1], scores, probabilities, maps)

    def _at(self, place: _Place) -> tuple[Look, ...]:
        return tuple(self.looks[at] for at in place.looks)

    def _start(self, codes: NDArray[np.int32]) -> State:
        """The state before the first slice; axes of length 1 broadcast to the layer's size."""
        import tensorflow as tf

        count, classes, _ = codes.shape
        zero = tf.zeros([count, classes], self._dtype)
        places = (a.start(count, classes, self._dtype) for a in self._accumulators)
        return State(tf.constant(codes), zero, zero, zero, tuple(places))

    def _run_slice(
        self, images: "tf.Tensor", samples: "tf.Tensor", drawn: "tf.Tensor", state: State
    ) -> State:
        """Adds one slice of samples; the slice that has sample 0 also sets what is clean.

        Args:
            images: float32 [b, H, W, C].
            samples: int32 [s], sample numbers.
            drawn: float32 [s, ...], what makes these samples.
            state: of the slices before.
        """
        import tensorflow as tf

        x = tf.reshape(self._copies.make(images, drawn), [-1, *images.shape[1:]])
        names = tuple(dict.fromkeys(p.layer_name for p in self._places if not p.pixels))
        with propagating(self.sampling.rule):
            tapped = tap(self.model, x, names, self._output_name, self._frozen)
        tensors = [
            x if place.pixels else tapped.activations[names.index(place.layer_name)]
            for place in self._places
        ]
        addresses = [
            INPUT if place.pixels else tapped.layers[names.index(place.layer_name)]
            for place in self._places
        ]

        def by_image(rows: "tf.Tensor") -> "tf.Tensor":
            """[b * s, ...] -> [b, s, ...], float32 at least."""
            outer = [tf.shape(images)[0], tf.shape(samples)[0]]
            return tf.reshape(tf.cast(rows, self._dtype), [*outer, *rows.shape[1:]])

        logits = by_image(tapped.logits)
        self.class_count = logits.shape[-1]
        codes = tf.ensure_shape(state.class_idx, [None, self.classes, 2])
        class_idx = resolved(codes, logits[:, 0])
        S = scores_of(logits, class_idx)
        g = [
            [by_image(d) for d in gradients(S[..., t], tensors, addresses)]
            for t in range(self.classes)
        ]
        affine = [
            not any(depends_on(of_class[i], images, [class_idx]) for of_class in g)
            for i in range(len(tensors))
        ]
        self._learn(tensors, addresses, affine)
        part = Slice(tf.equal(samples[0], 0), (samples > 0) & (samples <= self.sampling.nsamples))
        probabilities = tf.fill(tf.shape(S[:, 0]), tf.constant(np.nan, S.dtype))
        if tapped.probabilities is not None:
            probabilities = scores_of(by_image(tapped.probabilities), class_idx, contrast=False)
            probabilities = probabilities[:, 0]
        places = tuple(
            self._accumulators[i].add(
                state.places[i], by_image(A), S, [of_class[i] for of_class in g], part
            )
            for i, A in enumerate(tensors)
        )
        return State(
            class_idx,
            tf.where(part.first, S[:, 0], state.scores),
            S[:, -1],
            tf.where(part.first, probabilities, state.probabilities),
            places,
        )

    def _learn(self, tensors: "list[tf.Tensor]", addresses: list[str], affine: list[bool]) -> None:
        """Keeps what the trace tells of the places; refuses what they do not have."""
        self._accumulators = [
            Accumulator(self._at(place), address, self._copies_at(place, of_place))
            for place, address, of_place in zip(self._places, addresses, affine, strict=True)
        ]
        for accumulator, A in zip(self._accumulators, tensors, strict=True):
            accumulator.check(A)
        seen: dict[int, Seen] = {}
        for i, place in enumerate(self._places):
            for at in place.looks:
                copies = self._accumulators[i].copies if self.looks[at].averages else 0
                shape = tuple(tensors[i].shape[1:3])
                seen[at] = Seen(addresses[i], shape, affine[i], copies)
        self.seen = tuple(seen[at] for at in range(len(self.looks)))

    def _copies_at(self, place: _Place, affine: bool) -> int:
        """How many copies matter at a place: none where no noise can change what is seen."""
        looks = [look for look in self._at(place) if look.averages]
        moved = not affine or any(
            look.method.on_path or look.choices.activations == "mean" for look in looks
        )
        return self.sampling.nsamples if looks and moved else 0

    def _finished(self, state: State) -> tuple[tuple, ...]:
        """From sums to maps: for each look the fields of `Maps` as tensors."""
        import tensorflow as tf

        finished: dict[int, tuple] = {}
        for place, accumulator, of_place in zip(
            self._places, self._accumulators, state.places, strict=True
        ):
            for at in place.looks:
                each = [
                    accumulator.finish(
                        self.looks[at],
                        of_place,
                        of_class,
                        Scores(state.scores[:, t], state.baselines[:, t]),
                    )
                    for t, of_class in enumerate(of_place.classes)
                ]
                finished[at] = tuple(tf.stack(part, 1) for part in zip(*each, strict=True))
        return tuple(finished[at] for at in range(len(self.looks)))

    def _refuse_other_heads(self, input_shape: tuple[int, ...]) -> None:
        """Raises UserError where a method needs a pooled head and the model has another one."""
        import tensorflow as tf

        if not any(look.method.pooled_head for look in self.looks):
            return
        classes = np.unique(np.linspace(0, self.class_count - 1, PROBED).astype(np.int32))
        zeros = np.zeros([len(classes), *input_shape], np.float32)
        codes = np.stack([classes, np.full_like(classes, NO_CLASS)], -1)[:, None]
        first = np.zeros([1], np.int32)
        state = self._start(np.repeat(codes, self.classes, axis=1))
        state = self._step(tf.constant(zeros), tf.constant(first), self._copies.draw(first), state)
        for place, of_place in zip(self._places, state.places, strict=True):
            for at in place.looks:
                look, seen = self.looks[at], self.seen[at]
                if look.method.pooled_head:
                    g = of_place.classes[0].g.numpy()
                    check_pooled_head(look.method.name, seen.layer, seen.affine, g)


def _places(looks: Sequence[Look]) -> tuple[_Place, ...]:
    """Where looks look: those at one layer that choose the same feature maps go together."""
    together: dict[tuple, list[int]] = {}
    for at, look in enumerate(looks):
        layer = None if look.method.pixels else look.layer_name
        together.setdefault((layer, look.method.pixels, look.selection.filters), []).append(at)
    return tuple(_Place(layer, pixels, tuple(at)) for (layer, pixels, _), at in together.items())
