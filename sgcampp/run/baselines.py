"""Reads the image files that a run holds its images against."""

import hashlib
from dataclasses import dataclass

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.baselines import Baselines
from sgcampp.errors import UserError, nearest
from sgcampp.explain.against import BASELINES
from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError
from sgcampp.models.classifier import Classifier


@dataclass(frozen=True)
class ReadBaselines:
    """Baselines, and the SHA-256 of the files among them; None where there is no file."""

    baselines: Baselines
    sha256: str | None


def read_baselines(config: RunConfig, classifier: Classifier) -> ReadBaselines:
    """What a run holds its images against; files are prepared as images are.

    Args:
        config: of the run.
        classifier: prepares images.

    Raises:
        UserError: for a baseline that is neither a word nor an image file.
    """
    looks = [asked.look for asked in config.looks]
    used = dict.fromkeys(look.baseline for look in looks if look.method.baseline)
    given, digest = {}, hashlib.sha256()
    for name in used:
        if name not in BASELINES:
            try:
                picture = read_image(name, config.max_pixels)
            except ImageError as error:
                raise UserError(
                    f"baseline {name!r:.200} can't be read: {error.message}; accepted: "
                    f"{', '.join(BASELINES)} or an image file{nearest(name, BASELINES)}"
                ) from error
            given[name] = classifier.preprocess(picture.rgb)[0]
            digest.update(picture.sha256.encode())
    baselines = Baselines(classifier.black, given)
    return ReadBaselines(baselines, digest.hexdigest() if given else None)
