"""Scores images under masks that are made on the device, of an order of pixels and counts.

Only the images, their fills, and each map's ranks and M̂ go to the device; a step of a curve costs
two numbers more.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.device import GaveUp
from sgcampp.engine.scoring import Scorer
from sgcampp.models.classifier import Classifier

MaskRow = tuple[int, int, int, int, int]
"""(image, map, low, high, fill), see `MaskScorer`."""
TIMES_MAP = -1
"""As the lowest rank of a row: the image times M̂ takes the place of kept ranks."""


@dataclass(frozen=True, eq=False)
class Masking:
    """What the masks of a group of images are made of.

    Attributes:
        images: float32 [b, H, W, C], the model's own input.
        fills: float32 [b, 2, H, W, C], what stands for pixels that are taken out, and what an
            insertion starts from.
        ranks: int32 [m, H, W], each map's pixels, 0 for the most important.
        maps: float32 [m, H, W], each map's M̂.
    """

    images: NDArray[np.float32]
    fills: NDArray[np.float32]
    ranks: NDArray[np.int32]
    maps: NDArray[np.float32]


class MaskScorer:
    """A classifier that scores masked images, batch after full batch.

    Attributes:
        batch_size: B, rows a batch.

    Args:
        classifier: the model.
        batch_size: B.
        frozen: as of `Scorer`, as are the next two.
        precision: of the network.
        jit: compiles with XLA.
    """

    def __init__(
        self,
        classifier: Classifier,
        batch_size: int,
        frozen: bool,
        precision: str = "float32",
        jit: bool = False,
    ) -> None:
        self.batch_size = batch_size
        height, width, channels = classifier.input_shape
        signature = [
            tf.TensorSpec([None, height, width, channels], tf.float32),
            tf.TensorSpec([None, 2, height, width, channels], tf.float32),
            tf.TensorSpec([None, height, width], tf.int32),
            tf.TensorSpec([None, height, width], tf.float32),
            tf.TensorSpec([None, 5], tf.int32),
        ]
        self._scorer = Scorer(
            classifier.model, _masked, signature, classifier.output_name, frozen, precision, jit
        )

    def __call__(
        self,
        masking: Masking,
        rows: Sequence[MaskRow],
        give_up: Callable[[], bool] = lambda: False,
    ) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
        """Scores rows of masked images.

        Args:
            masking: what they are made of.
            rows: (image, map, low, high, fill): pixels of rank low … high - 1 are kept, the others
                are the fill's; low = TIMES_MAP: the image times M̂.
            give_up: asked before each batch.

        Returns:
            Class scores and probabilities, float64 [rows, C]; these NaN where the head gives none.

        Raises:
            GaveUp: when `give_up` said so.
            DeviceMemoryError: when the device has no memory for a batch.
        """
        given = [masking.images, masking.fills, masking.ranks, masking.maps]
        tensors = [tf.constant(array) for array in given]
        table = np.array(rows, np.int32)
        logits, probabilities = [], []
        for at in range(0, len(table), self.batch_size):
            if give_up():
                raise GaveUp
            # The last batch is padded, so that all have one shape.
            part = np.minimum(np.arange(at, at + self.batch_size), len(table) - 1)
            outputs = self._scorer(*tensors, table[part])
            logits.append(outputs.logits)
            probabilities.append(outputs.probabilities)
        joined = (np.concatenate(parts)[: len(table)] for parts in (logits, probabilities))
        first, second = (array.astype(np.float64) for array in joined)
        return first, second


def seconds_a_pass(scorer: MaskScorer, shape: tuple[int, ...]) -> float:
    """How long one masked image takes in a full batch; the first batch is a warm-up.

    Args:
        scorer: of the model.
        shape: (H, W, C) of its input.
    """
    height, width, _ = shape
    image = np.random.default_rng(0).random((1, *shape), np.float32)
    maps = np.zeros((1, height, width), np.float32)
    masking = Masking(image, np.stack([image, image], 1), maps.astype(np.int32), maps)
    rows: list[MaskRow] = [(0, 0, 0, 1, 0)] * scorer.batch_size
    scorer(masking, rows)
    begin = time.perf_counter()
    scorer(masking, rows * 2)
    return (time.perf_counter() - begin) / (2 * len(rows))


def _masked(
    images: tf.Tensor, fills: tf.Tensor, ranks: tf.Tensor, maps: tf.Tensor, rows: tf.Tensor
) -> tf.Tensor:
    """[rows, H, W, C], see `MaskScorer`."""
    image, of_map, low, high, fill = tf.unstack(rows, axis=1)
    # Masks beyond the maps, as of sets of cells, have no ranks, and no row asks for them.
    rank = tf.gather(ranks, tf.minimum(of_map, tf.shape(ranks)[0] - 1))
    kept = (rank >= low[:, None, None]) & (rank < high[:, None, None])
    times_map = tf.equal(low, TIMES_MAP)[:, None, None]
    share = tf.where(times_map, tf.gather(maps, of_map), tf.cast(kept, tf.float32))[..., None]
    under = tf.gather_nd(fills, tf.stack([image, fill], 1))
    # A pixel that is kept whole stays as it is, to the bit.
    return tf.gather(images, image) * share + under * (1 - share)
