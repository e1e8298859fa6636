"""The traced computation of an engine: one slice of samples, and from sums to maps."""

from collections.abc import Iterator, Sequence
from typing import NamedTuple

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.accumulate import Accumulator
from sgcampp.engine.class_scores import resolved, scores_of
from sgcampp.engine.copies import Copies
from sgcampp.engine.curvature import with_curvature
from sgcampp.engine.discovery import layer_names, tapped_tensors
from sgcampp.engine.groups import deal
from sgcampp.engine.plan import Plan
from sgcampp.engine.propagation import propagating
from sgcampp.engine.results import Classes, Maps
from sgcampp.engine.state import PlaceState, Scores, Slice
from sgcampp.engine.tap import Tapped, gradients, tap
from sgcampp.explain.lens import Chosen
from sgcampp.explain.looks import Look
from sgcampp.models.spatial import Reading


class State(NamedTuple):
    """What a group of b images carries from slice to slice.

    `origin`: float32 [b, …], baselines of the images; `class_idx`: int32 [b, T, 2], a class and the
    one it is held against, or NO_CLASS; `scores`, `baselines`, `probabilities`: [b, T], of the
    clean image, and of its baseline.
    """

    origin: tf.Tensor
    class_idx: tf.Tensor
    scores: tf.Tensor
    baselines: tf.Tensor
    probabilities: tf.Tensor
    places: tuple[PlaceState, ...]

    def classes(self, images: slice) -> Classes:
        """The classes of some images, as arrays."""
        class_idx = self.class_idx.numpy()[images]
        ends = class_idx[..., 0], class_idx[..., 1]
        return Classes(*ends, self.scores.numpy()[images], self.probabilities.numpy()[images])


class Step:
    """What an engine traces; it holds what is known before, and learns nothing.

    Args:
        model: the Keras model.
        plan: where to look.
        copies: the copies of an image.
        classes: T, classes an image.
        output_name: which output of a model with several.
        frozen: takes the weights as constants.
    """

    def __init__(
        self,
        model: keras.Model,
        plan: Plan,
        copies: Copies,
        classes: int,
        output_name: str | None,
        frozen: bool,
    ) -> None:
        self._model, self._plan, self._copies, self._classes = model, plan, copies, classes
        self._output_name, self._frozen = output_name, frozen
        # Sums are float32 at least, whatever the network runs in.
        double = any(str(variable.dtype) == "float64" for variable in model.weights)
        self._dtype = tf.float64 if double else tf.float32
        self._where = tuple(dict.fromkeys(place.where for place in plan.places))
        # The default layer by the address that discovery found, and all as it read them.
        addresses = {place.where.layer_name: place.spot.address for place in plan.places}
        self._layers = tuple(addresses[name] for name in layer_names(self._where))
        spots = [place.spot for place in plan.places]
        self._layouts = {spot.address: spot.layout for spot in spots if spot.layout}
        self._accumulators = tuple(map(Accumulator, plan.places))

    def start(self, codes: NDArray[np.int32], origin: NDArray[np.float32]) -> State:
        """The state before the first slice; axes of length 1 broadcast to the layer's size."""
        count, classes, _ = codes.shape
        zero = tf.zeros([count, classes], self._dtype)
        places = (each.start(count, classes, self._dtype) for each in self._accumulators)
        return State(tf.constant(origin), tf.constant(codes), zero, zero, zero, tuple(places))

    def add_slice(
        self, images: tf.Tensor, samples: tf.Tensor, drawn: tf.Tensor, state: State
    ) -> State:
        """Adds one slice of samples; the slice that has sample 0 starts an image anew.

        Args:
            images: float32 [b, H, W, C].
            samples: int32 [b, s], consecutive sample numbers of each image; above n: passed over.
            drawn: float32 [b or 1, s, ...], what makes these samples.
            state: of the slices before.
        """
        origin = tf.broadcast_to(state.origin, tf.shape(images))
        origin = tf.ensure_shape(origin, images.shape)
        x = self._rows(self._copies.make(images, drawn, origin))
        with propagating(self._plan.sampling.rule):
            reading = Reading(known=self._layouts)
            how = self._output_name, self._frozen, reading
            tapped = tap(self._model, x, self._layers, *how)
        outer = tf.unstack(tf.shape(samples))
        logits = self._by_image(tapped.logits, outer)
        codes = tf.ensure_shape(state.class_idx, [None, self._classes, 2])
        class_idx = resolved(codes, logits[:, 0])
        S = scores_of(logits, class_idx)
        averaged = self._copies.averaged(samples, drawn)
        dealt = deal(samples, averaged, self._plan.groups)
        part = Slice(tf.equal(samples[:, 0], 0), averaged, dealt)
        probabilities = self._probabilities(tapped, class_idx, S, outer)
        return State(
            state.origin,
            class_idx,
            part.chosen(S[:, 0], state.scores),
            S[:, -1],
            part.chosen(probabilities, state.probabilities),
            self._add_to_places(state.places, tapped, x, S, part, outer),
        )

    def _add_to_places(
        self,
        states: tuple[PlaceState, ...],
        tapped: Tapped,
        x: tf.Tensor,
        S: tf.Tensor,
        part: Slice,
        outer: list[tf.Tensor],
    ) -> tuple[PlaceState, ...]:
        tensors, addresses = tapped_tensors(self._where, tapped, x)
        of_classes = [gradients(S[..., t], tensors, addresses) for t in range(self._classes)]
        seen = {
            where: (A, of_place)
            for where, A, of_place in zip(
                self._where, tensors, zip(*of_classes, strict=True), strict=True
            )
        }
        return tuple(
            self._add_to_place(each, state, *seen[each.place.where], S, part, outer)
            for each, state in zip(self._accumulators, states, strict=True)
        )

    def _add_to_place(
        self,
        accumulator: Accumulator,
        state: PlaceState,
        A: tf.Tensor,
        of_classes: Sequence[tf.Tensor],
        S: tf.Tensor,
        part: Slice,
        outer: list[tf.Tensor],
    ) -> PlaceState:
        place = accumulator.place
        if place.curved is not None:
            layer = place.spot.address
            of_classes = [with_curvature(g, A, place.curved, layer) for g in of_classes]
        slopes = [self._by_image(g, outer) for g in of_classes]
        return accumulator.add(state, self._by_image(A, outer), S, slopes, part)

    def _probabilities(
        self, tapped: Tapped, class_idx: tf.Tensor, S: tf.Tensor, outer: list[tf.Tensor]
    ) -> tf.Tensor:
        """[b, T], of each image's first sample; NaN where the head gives none."""
        if tapped.probabilities is None:
            return tf.fill(tf.shape(S[:, 0]), tf.constant(np.nan, S.dtype))
        rows = self._by_image(tapped.probabilities, outer)
        return scores_of(rows, class_idx, contrast=False)[:, 0]

    def _rows(self, copies: tf.Tensor) -> tf.Tensor:
        """[b, s, ...] -> [b * s, ...]; samples that belong together lie b rows apart."""
        if self._copies.together > 1:
            copies = _swapped(copies)
        return tf.reshape(copies, [-1, *copies.shape[2:]])

    def _by_image(self, rows: tf.Tensor, outer: list[tf.Tensor]) -> tf.Tensor:
        """[b * s, ...] -> [b, s, ...], float32 at least."""
        wide = tf.cast(rows, self._dtype)
        if self._copies.together > 1:
            return _swapped(tf.reshape(wide, [*outer[::-1], *rows.shape[1:]]))
        return tf.reshape(wide, [*outer, *rows.shape[1:]])

    def finish_one(self, state: State, at: tf.Tensor) -> tuple[tuple[Maps, ...], ...]:
        """The same of the at-th image alone."""
        return self.finish(tf.nest.map_structure(lambda part: part[at : at + 1], state))

    def finish(self, state: State) -> tuple[tuple[Maps, ...], ...]:
        """From sums to maps: for each place of the plan, for each of its looks."""
        places = [self._against(of_place, state.origin) for of_place in state.places]
        return tuple(
            tuple(self._finish_looks(each, of_place, state))
            for each, of_place in zip(self._accumulators, places, strict=True)
        )

    def _against(self, place: PlaceState, origin: tf.Tensor) -> PlaceState:
        """With A, the images, less their baselines, where they have any."""
        if self._plan.sampling.baseline is None:
            return place
        difference = place.A - tf.cast(origin, self._dtype)
        return place._replace(A=tf.ensure_shape(difference, place.A.shape))

    def _finish_looks(
        self, accumulator: Accumulator, place: PlaceState, state: State
    ) -> Iterator[Maps]:
        """The maps of a place's looks; those that follow show what another one chose."""
        looks = accumulator.place.looks
        leaders = {look.selection: look for look in reversed(looks) if look.leads}
        led = {at: self._finish_look(accumulator, x, place, state) for at, x in leaders.items()}
        for look in looks:
            leader = led.get(look.selection)
            if leader is not None and leaders[look.selection] == look:
                yield leader
            else:
                followed = leader if look.method.follows else None
                yield self._finish_look(accumulator, look, place, state, followed)

    def _finish_look(
        self,
        accumulator: Accumulator,
        look: Look,
        place: PlaceState,
        state: State,
        leader: Maps | None = None,
    ) -> Maps:
        of_classes = []
        for t, of_class in enumerate(place.classes):
            scores = Scores(state.scores[:, t], state.baselines[:, t])
            leading = leader and Chosen(leader.filters[:, t], leader.weights[:, t])
            of_classes.append(accumulator.finish(look, place, of_class, scores, leading))
        return Maps(*(tf.stack(parts, 1) for parts in zip(*of_classes, strict=True)))


def _swapped(x: tf.Tensor) -> tf.Tensor:
    """[b, s, ...] -> [s, b, ...], and back."""
    return tf.transpose(x, [1, 0, *range(2, len(x.shape))])
