"""The images of a run that methods may learn from before any is explained."""

from collections.abc import Callable, Iterator

import numpy as np
from numpy.typing import NDArray

from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError
from sgcampp.images.items import Found
from sgcampp.models.classifier import Classifier


def examples_of(
    listing: Callable[[], Iterator[Found]], total: int, classifier: Classifier, max_pixels: int
) -> Callable[[int], Iterator[NDArray[np.float32]]]:
    """Gives model inputs of some of the whole listing, evenly spread over it.

    They depend on the listing alone: a resume and every shard learn from the same images.

    Args:
        listing: all images of the run.
        total: how many.
        classifier: prepares them.
        max_pixels: larger ones are left out, as are those that can't be read.
    """

    def examples(count: int) -> Iterator[NDArray[np.float32]]:
        wanted = {number * total // min(count, total) for number in range(min(count, total))}
        for number, found in enumerate(listing()):
            if number in wanted and found.place is not None:
                try:
                    picture = read_image(found.place, max_pixels)
                except ImageError:
                    continue
                yield classifier.preprocess(picture.rgb)[0]

    return examples
