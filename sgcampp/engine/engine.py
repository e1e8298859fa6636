"""Runs a tapped model over a grid of images × samples and averages its derivatives.

One traced function, called once a slice of samples; its state stays on the device and only
finished maps leave it.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy
from dataclasses import replace

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.baselines import Baselines
from sgcampp.engine.copies import PathCopies, copies_for
from sgcampp.engine.device import GaveUp, on_device
from sgcampp.engine.discovery import discover
from sgcampp.engine.grid import Grid, lay_out, lay_out_open
from sgcampp.engine.groups import MOST_GROUPS
from sgcampp.engine.plan import plan_of
from sgcampp.engine.pooled_head import check_pooled_head, probed_classes
from sgcampp.engine.precision import check_precision, running_in
from sgcampp.engine.refining import finer_grid, refined
from sgcampp.engine.results import GroupResult, Maps, Seen
from sgcampp.engine.step import State, Step
from sgcampp.explain.classes import NO_CLASS, check_codes
from sgcampp.explain.looks import Look, Sampling


class Engine:
    """One traced model, tapped where it is looked at, ready to run groups of images.

    Attributes:
        plan: where it looks, and what the discovery trace told of it.
        input_shape: (H, W, C).
        classes: T.

    Args:
        model: the Keras model; it is not changed.
        input_shape: (H, W, C) of its input.
        looks: what to look at; all share the copies of `sampling`.
        sampling: the copies of an image.
        baselines: what images are held against.
        output_name: which output of a model with several.
        classes: T, classes an image.
        frozen: takes the weights as constants, as they are now: faster where there is batch
            normalisation, but blind to further training.
        precision: of the network, see `precision`.
        jit: compiles with XLA.
        groups: that samples are dealt into at most; 1 takes no standard errors.

    Raises:
        UserError: for layers, outputs, feature maps or neurons that the model does not have, and
            for methods that can't serve it.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int, ...],
        looks: Sequence[Look],
        sampling: Sampling,
        baselines: Baselines,
        output_name: str | None = None,
        classes: int = 1,
        frozen: bool = False,
        precision: str = "float32",
        jit: bool = False,
        groups: int = MOST_GROUPS,
    ) -> None:
        check_precision(precision)
        self._precision, self.input_shape, self.classes = precision, input_shape, classes
        places = (look.where for look in looks)
        discovery = discover(model, input_shape, places, sampling.rule, output_name)
        self.plan = plan_of(looks, sampling, discovery, classes, groups)
        self._copies, self._baselines = copies_for(sampling, input_shape), baselines
        step = Step(model, self.plan, self._copies, classes, output_name, frozen)
        self._start = step.start
        state = step.start(np.zeros([1, classes, 2], np.int32), np.zeros([1] * 4, np.float32))
        compiled = tf.function(step.add_slice, autograph=False, jit_compile=jit or None)
        self._step = compiled.get_concrete_function(
            tf.TensorSpec([None, *input_shape], tf.float32),
            tf.TensorSpec([None, None], tf.int32),
            tf.TensorSpec([None, None, *self._copies.shape], tf.float32),
            tf.nest.map_structure(lambda t: tf.TensorSpec([None] * len(t.shape), t.dtype), state),
        )
        self._finish = tf.function(step.finish, autograph=False).get_concrete_function(
            self._step.structured_outputs
        )
        # Traced when it is first called: only images with samples of their own need it.
        self._finish_one = tf.function(step.finish_one, autograph=False)
        self._refuse_other_heads()

    @property
    def passes(self) -> int:
        """Passes an image beside its own: n, or 0 where no copy can change a map."""
        return self.plan.copies + self._copies.extra

    @property
    def seen(self) -> Mapping[Look, Seen]:
        """What the trace tells of each look."""
        return self.plan.seen

    @property
    def has_errors(self) -> bool:
        """Whether its samples tell how sure any map is."""
        return any(facts.groups for facts in self.seen.values())

    def lay_out(self, batch_size: int, total: int) -> Grid:
        """The grid for batches of at most B and `total` images (see `grid.lay_out`)."""
        most = max(batch_size, self._copies.together)
        return lay_out(self.passes, most, total, self.plan.groups)

    def lay_out_open(self, batch_size: int, total: int) -> Grid:
        """The same where images take as many samples as they need (see `grid.lay_out_open`)."""
        return lay_out_open(self.passes, batch_size, total)

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
            grid: from `lay_out`.
            give_up: asked before each slice of samples.

        Raises:
            UserError: for a class that the model does not have.
            GaveUp: when `give_up` said so; the group has no result.
            DeviceMemoryError: when the device has no memory for the grid's batches.
        """
        check_codes(codes, self.plan.class_count)
        result = self._run(images, codes, grid, give_up)
        sampling, codes = self.plan.sampling, result.classes.codes()
        if sampling.ig_tolerance is None or not grid.refines:
            return result

        def again(rows: NDArray[np.int64], steps: int) -> GroupResult:
            # The trace is the same: what tells steps apart are the copies that are fed to it.
            finer = copy(self)
            finer._copies = PathCopies(steps)
            whole = finer_grid(grid, steps + 1 + PathCopies.extra)
            return finer._run(images[rows], codes[rows], whole, give_up)

        return refined(result, sampling.nsamples, sampling.ig_tolerance, again)

    def _run(
        self,
        images: NDArray[np.float32],
        codes: NDArray[np.int32],
        grid: Grid,
        give_up: Callable[[], bool],
    ) -> GroupResult:
        """Explains one group of images with the samples of a grid."""
        count = len(images)
        rows = np.minimum(np.arange(grid.images), count - 1)
        with on_device():
            batch = tf.constant(images[rows])
            state = self.start(codes[rows], images[rows])
            for samples in grid.slices:
                if give_up():
                    raise GaveUp
                numbers = np.tile(samples, (grid.images, 1))
                state = self.step(batch, numbers, [samples], state)
            finished = self._finish(state)
        return GroupResult(state.classes(slice(count)), self._by_look(finished, count), self.seen)

    def start(self, codes: NDArray[np.int32], images: NDArray[np.float32]) -> State:
        """The state before the first samples of images [b, H, W, C]; codes: int32 [b, T, 2]."""
        return self._start(codes, self._baselines.of(self.plan.sampling.baseline, images))

    def with_codes(self, state: State, at: int, codes: NDArray[np.int32]) -> State:
        """The state with another image in the at-th place, of codes int32 [T, 2]."""
        class_idx = np.array(state.class_idx)
        class_idx[at] = codes
        return state._replace(class_idx=tf.constant(class_idx))

    def step(
        self,
        images: NDArray[np.float32] | tf.Tensor,
        samples: NDArray[np.int32],
        drawn: Sequence[NDArray[np.int32]],
        state: State,
    ) -> State:
        """Adds a slice of samples of each of b images.

        Args:
            images: float32 [b, H, W, C].
            samples: int32 [b, s], consecutive numbers; 0 starts an image anew, what is below 0 or
                above n counts for nothing.
            drawn: int32 [s] each, the samples whose noise is taken: of each image, or one for all.
            state: of the slices before.

        Raises:
            DeviceMemoryError: when the device has no memory for the batch.
        """
        with on_device(), running_in(self._precision):
            noise = [self._copies.draw(part) for part in drawn]
            noise = tf.stack(noise) if len(noise) > 1 else noise[0][None]
            return self._step(tf.convert_to_tensor(images), tf.constant(samples), noise, state)

    def result_of(self, state: State, at: int, samples: int) -> GroupResult:
        """The maps of the at-th image alone, after so many samples."""
        with on_device():
            finished = self._finish_one(state, tf.constant(at))
        seen = {
            look: replace(facts, copies=samples) if facts.groups else facts
            for look, facts in self.seen.items()
        }
        return GroupResult(state.classes(slice(at, at + 1)), self._by_look(finished, 1), seen)

    def _by_look(self, finished: tuple[tuple[Maps, ...], ...], count: int) -> dict[Look, Maps]:
        """The maps of the first `count` images, as arrays."""
        return {
            look: Maps(*(part.numpy()[:count] for part in maps))
            for place, of_place in zip(self.plan.places, finished, strict=True)
            for look, maps in zip(place.looks, of_place, strict=True)
        }

    def _refuse_other_heads(self) -> None:
        """Raises UserError where a method needs a pooled head and the model has another one."""
        if not any(look.method.pooled_head for look in self.seen):
            return
        probed = probed_classes(self.plan.class_count)
        codes = np.stack([probed, np.full_like(probed, NO_CLASS)], -1)[:, None]
        first = np.zeros([len(probed), 1], np.int32)
        zeros = np.zeros((len(probed), *self.input_shape), np.float32)
        state = self.start(np.repeat(codes, self.classes, axis=1), zeros)
        state = self.step(zeros, first, [first[0]], state)
        for place, of_place in zip(self.plan.places, state.places, strict=True):
            for look in place.looks:
                if look.method.pooled_head:
                    g = of_place.classes[0].g.numpy()
                    check_pooled_head(look.method.name, place.spot.address, place.spot.affine, g)
