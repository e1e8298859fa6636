"""Runs a tapped model over a grid of images × samples and averages its derivatives.

One traced function, called once a slice of samples; its state stays on the device and only
finished maps leave it.
"""

from collections.abc import Callable, Mapping, Sequence
from copy import copy

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.baselines import Baselines
from sgcampp.engine.copies import PathCopies, copies_for
from sgcampp.engine.device import GaveUp, on_device
from sgcampp.engine.discovery import discover
from sgcampp.engine.grid import Grid, lay_out
from sgcampp.engine.groups import MOST_GROUPS
from sgcampp.engine.plan import plan_of
from sgcampp.engine.pooled_head import check_pooled_head, probed_classes
from sgcampp.engine.precision import check_precision, running_in
from sgcampp.engine.refining import finer_grid, refined
from sgcampp.engine.results import Classes, GroupResult, Maps, Seen
from sgcampp.engine.step import State, Step
from sgcampp.explain.classes import NO_CLASS, check_codes
from sgcampp.explain.looks import Look, Sampling


class Engine:
    """One traced model, tapped where it is looked at, ready to run groups of images.

    Attributes:
        plan: where it looks, and what the discovery trace told of it.

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
        self._precision = precision
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
        self._refuse_other_heads(input_shape, classes)

    @property
    def passes(self) -> int:
        """Passes an image beside its own: n, or 0 where no copy can change a map."""
        return self.plan.copies + self._copies.extra

    @property
    def seen(self) -> Mapping[Look, Seen]:
        """What the trace tells of each look."""
        return self.plan.seen

    def lay_out(self, batch_size: int, total: int) -> Grid:
        """The grid for batches of at most B and `total` images (see `grid.lay_out`)."""
        return lay_out(self.passes, max(batch_size, self._copies.together), total)

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
        if sampling.tolerance is None or not grid.refines:
            return result

        def again(rows: NDArray[np.int64], steps: int) -> GroupResult:
            # The trace is the same: what tells steps apart are the copies that are fed to it.
            finer = copy(self)
            finer._copies = PathCopies(steps)
            whole = finer_grid(grid, steps + 1 + PathCopies.extra)
            return finer._run(images[rows], codes[rows], whole, give_up)

        return refined(result, sampling.nsamples, sampling.tolerance, again)

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
            state = self._start(codes[rows], self._origin(images[rows]))
            for samples in grid.slices:
                if give_up():
                    raise GaveUp
                with running_in(self._precision):
                    drawn = self._copies.draw(samples)[None]
                    of_each = tf.constant(np.tile(samples, (grid.images, 1)))
                    state = self._step(batch, of_each, drawn, state)
            finished = self._finish(state)
        return GroupResult(_classes(state, count), self._by_look(finished, count), self.seen)

    def _origin(self, images: NDArray[np.float32]) -> NDArray[np.float32]:
        return self._baselines.of(self.plan.sampling.baseline, images)

    def _by_look(self, finished: tuple[tuple[Maps, ...], ...], count: int) -> dict[Look, Maps]:
        """The maps of the first `count` images, as arrays."""
        return {
            look: Maps(*(part.numpy()[:count] for part in maps))
            for place, of_place in zip(self.plan.places, finished, strict=True)
            for look, maps in zip(place.looks, of_place, strict=True)
        }

    def _refuse_other_heads(self, input_shape: tuple[int, ...], classes: int) -> None:
        """Raises UserError where a method needs a pooled head and the model has another one."""
        if not any(look.method.pooled_head for look in self.seen):
            return
        probed = probed_classes(self.plan.class_count)
        codes = np.stack([probed, np.full_like(probed, NO_CLASS)], -1)[:, None]
        first = np.zeros([len(probed), 1], np.int32)
        zeros = np.zeros([len(probed), *input_shape], np.float32)
        state = self._start(np.repeat(codes, classes, axis=1), self._origin(zeros))
        drawn = self._copies.draw(first[0])[None]
        state = self._step(tf.constant(zeros), tf.constant(first), drawn, state)
        for place, of_place in zip(self.plan.places, state.places, strict=True):
            for look in place.looks:
                if look.method.pooled_head:
                    g = of_place.classes[0].g.numpy()
                    check_pooled_head(look.method.name, place.spot.address, place.spot.affine, g)


def _classes(state: State, count: int) -> Classes:
    """The classes of the first `count` images, as arrays."""
    class_idx = state.class_idx.numpy()[:count]
    return Classes(
        class_idx[..., 0],
        class_idx[..., 1],
        state.scores.numpy()[:count],
        state.probabilities.numpy()[:count],
    )
