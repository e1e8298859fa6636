"""Scans images against a background: which neurons are together unusual, as maps."""

from collections.abc import Callable, Mapping
from typing import Any

import keras
import numpy as np
from numpy.typing import NDArray

from sgcampp.engine.activations import ActivationReader
from sgcampp.engine.background import Scan, ordered_codes
from sgcampp.engine.device import GaveUp
from sgcampp.engine.grid import Grid, lay_out
from sgcampp.engine.results import GroupResult, Maps, Scanned, Seen
from sgcampp.errors import UserError
from sgcampp.explain.classes import check_codes
from sgcampp.explain.flat_reasons import FLAT_REASONS
from sgcampp.explain.looks import Look
from sgcampp.explain.scanning import Floats, Found


class ScanEngine:
    """One look of `Needs.BACKGROUND`, ready to run groups of images, as `Engine` is.

    Args:
        model: the Keras model; it is not changed.
        input_shape: (H, W, C) of its input.
        look: what to look at.
        against: the background, and how to scan.
        classes: T, classes an image.
        **settings: output_name, frozen, precision and jit, as of `ActivationReader`.

    Raises:
        UserError: for a layer that the model does not have, or a background of another one.
    """

    def __init__(
        self,
        model: keras.Model,
        input_shape: tuple[int, ...],
        look: Look,
        against: Scan,
        classes: int = 1,
        **settings: Any,
    ) -> None:
        self._look, self._against = look, against
        self._reader = ActivationReader(model, input_shape, look.where, classes, **settings)
        spot = self._reader.spot
        background = against.background
        of_layer = background.identity.get("layer")
        if background.shape != spot.shape or of_layer != spot.address:
            raise UserError(
                f"the background is of layer {of_layer!r}, but {spot.address!r} is scanned: scan "
                "one layer a run, and make its background anew"
            )
        look.selection.check_filters(spot.shape[2], spot.address)
        neurons = look.selection.neurons(*spot.shape[:2], spot.address)
        self._chosen = np.zeros(spot.shape, bool)
        self._chosen[neurons] = look.selection.of_maps(spot.shape[2])
        self._ordinary = np.array(
            [self._scan(row, own=True)[0].score for row in background.rows], np.float64
        )

    @property
    def passes(self) -> int:
        """Passes an image beside its own: none."""
        return 0

    @property
    def seen(self) -> Mapping[Look, Seen]:
        """The layer; no copies are averaged."""
        return {self._look: Seen(self._reader.spot.address, affine=False, copies=0)}

    def lay_out(self, batch_size: int, total: int) -> Grid:
        """The grid for batches of at most B and `total` images (see `grid.lay_out`)."""
        return lay_out(0, batch_size, total)

    def run(
        self,
        images: NDArray[np.float32],
        codes: NDArray[np.int32],
        grid: Grid,
        give_up: Callable[[], bool] = lambda: False,
    ) -> GroupResult:
        """Scans one group of images; arguments and errors as of `Engine.run`."""
        check_codes(codes, self._reader.class_count)
        if give_up():
            raise GaveUp
        count = len(images)
        rows = np.minimum(np.arange(grid.images), count - 1)
        A, classes = self._reader(images[rows], codes[rows])
        classes = type(classes)(*(part[:count] for part in classes))
        found = [self._scan(ordered_codes(one.ravel())) for one in A[:count]]
        scanned = [self._scanned_of(one) for one, _ in found]
        maps = _maps([chosen for _, chosen in found], self._filters, codes.shape[1])
        return GroupResult(classes, {self._look: maps}, self.seen, {self._look: scanned})

    def _scanned_of(self, found: Found) -> Scanned:
        as_high = int((self._ordinary >= found.score).sum())
        p_value = (1 + as_high) / (1 + len(self._ordinary))
        return Scanned(found.score, p_value, found.alpha, int(found.chosen.sum()))

    @property
    def _filters(self) -> list[int]:
        return list(self._look.selection.filters or ())

    def _scan(self, codes: NDArray[np.uint16], own: bool = False) -> tuple[Found, Floats]:
        """What was found of one image, and each neuron's share of the score, [h, w, K]."""
        settings = self._against.settings
        p = self._against.background.p_values(codes, settings.tail, own)
        p = np.where(self._chosen, p.reshape(self._chosen.shape), 1)
        found = self._look.method.function(p, settings)
        return found, found.chosen * (found.score / max(1, found.chosen.sum()))


def _maps(shares: list[Floats], filters: list[int], classes: int) -> Maps:
    """Maps that add up to the scores, each neuron chosen with the same share; T classes alike."""
    stacked = np.stack(shares)
    whole = np.repeat(stacked.sum(-1)[:, None].astype(np.float32), classes, 1)
    single = np.repeat(stacked[..., filters][:, None].astype(np.float32), classes, 1)
    reason = np.where(whole.any((-2, -1)), 0, FLAT_REASONS.index("nothing_unusual"))
    return Maps.unsampled(whole, single, reason=reason)
