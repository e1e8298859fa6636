"""The background of a scan: read from a file, or made of a directory of ordinary images."""

import hashlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.activations import ActivationReader
from sgcampp.engine.background import (
    Background,
    Codes,
    Scan,
    check_size,
    identity_in,
    ordered_codes,
    sampling_order,
)
from sgcampp.engine.settings import check_batch_size
from sgcampp.errors import UserError
from sgcampp.explain.classes import NO_CLASS
from sgcampp.explain.method import Needs
from sgcampp.explain.scanning import ScanSettings, least_images
from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError
from sgcampp.images.find import find_images
from sgcampp.images.items import Found
from sgcampp.models.classifier import Classifier
from sgcampp.run.threads import ordered_map
from sgcampp.storage.location import on_this_machine
from sgcampp.storage.store import Store

BACKGROUND_FILE = "background.npz"
"""In the output tree: what its images were held against."""
READING_THREADS = 2
Inputs = np.ndarray | None


@dataclass(frozen=True)
class Making:
    """How a background is told while it is made.

    Attributes:
        note: hears sentences.
        stopped: whether somebody asked to stop.
    """

    note: Callable[[str], None]
    stopped: Callable[[], bool]


def scan_of(config: RunConfig, classifier: Classifier, store: Store, making: Making) -> Scan | None:
    """What a run's images are held against; None where it does not scan.

    A background that the output tree has is used again if it is of the same images, model and
    layer; a file that the user names must be.

    Raises:
        UserError: for a background that can't be used.
        KeyboardInterrupt: when somebody asked to stop.
    """
    settings = config.scan_settings
    if settings is None:
        return None
    (where,) = {
        asked.look.where for asked in config.looks if asked.look.method.needs is Needs.BACKGROUND
    }
    reader = ActivationReader(
        classifier.model,
        classifier.input_shape,
        where,
        output_name=classifier.output_name,
        precision=config.precision,
        jit=config.jit,
    )
    own = {"model": classifier.fingerprint, "layer": reader.spot.address}
    if settings.background.endswith(".npz"):
        return _enough(_named(settings.background, own), settings)
    listing = list(find_images([settings.background], config.glob, config.recursive))
    identity = {
        **own,
        "images": settings.images,
        "seed": config.seed,
        "precision": config.precision,
        "listing": _digest(listing),
    }
    known = _of_tree(store, identity)
    if known is None:
        known = _made(listing, identity, config, classifier, reader, making)
    return _enough(known, settings)


def _enough(background: Background, settings: ScanSettings) -> Scan:
    """Both together; UserError for a background in which nothing can be rare."""
    count, least = len(background.rows), least_images(settings)
    if count < least:
        raise UserError(
            f"the background has {count} images, so that no neuron can be as rare as alpha_max="
            f"{settings.alpha_max}: give {least} or more, better a thousand"
        )
    return Scan(background, settings)


def save(store: Store, scan: Scan | None) -> None:
    """Puts a background into the output tree, for its lock's holder."""
    if scan is not None and _identity_of(store) != scan.background.identity:
        store.write(BACKGROUND_FILE, scan.background.to_bytes())


def _digest(listing: list[Found]) -> str:
    """SHA-256 of the listing's keys."""
    keys = "\n".join(found.key for found in listing)
    return hashlib.sha256(keys.encode("utf-8", "surrogateescape")).hexdigest()


def _named(path: str, own: dict[str, Any]) -> Background:
    """The background in a file; UserError if it is of another model or layer."""
    with on_this_machine(path) as file:
        background = Background.from_file(file)
    for name, value in own.items():
        if background.identity.get(name) != value:
            raise UserError(
                f"{path} is of another {name}: {background.identity.get(name)!r:.80}, not "
                f"{value!r:.80}; name the directory of images to make it anew"
            )
    return background


def _of_tree(store: Store, identity: dict[str, Any]) -> Background | None:
    """The output tree's background, if it is the one wanted."""
    if _identity_of(store) != identity:
        return None
    with store.open(BACKGROUND_FILE) as file:
        return Background.from_file(file)


def _identity_of(store: Store) -> dict[str, Any] | None:
    """What the output tree's background is of; None where there is none."""
    if not store.exists(BACKGROUND_FILE):
        return None
    with store.open(BACKGROUND_FILE) as file:
        return identity_in(file)


def _made(
    listing: list[Found],
    identity: dict[str, Any],
    config: RunConfig,
    classifier: Classifier,
    reader: ActivationReader,
    making: Making,
) -> Background:
    """Runs a sample of the listing, in the order of its hashes; what can't be read is passed by."""
    wanted = min(identity["images"], len(listing))
    check_size(wanted, reader.spot.shape)
    making.note(f"the background: activations of {wanted} of {len(listing)} images")
    order = (listing[at] for at in sampling_order(config.seed, [f.key for f in listing]))
    batch = check_batch_size(config.batch_size)
    rows: list[Codes] = []
    for inputs in _batches(order, config, classifier, batch):
        if making.stopped():
            raise KeyboardInterrupt
        codes = np.tile(np.array([[[-1, NO_CLASS]]], np.int32), (len(inputs), 1, 1))
        rows += [ordered_codes(one.ravel()) for one in reader(inputs, codes).A]
        if len(rows) >= wanted:
            break
    if not rows:
        raise UserError("the background has no image that can be read")
    return Background(identity, reader.spot.shape, np.stack(rows[:wanted]))


def _batches(
    order: Iterator[Found], config: RunConfig, classifier: Classifier, batch: int
) -> Iterator[np.ndarray]:
    """Model inputs float32 [b, H, W, C] of the images that can be read, b <= batch."""

    def read(found: Found) -> Inputs:
        if found.place is None:
            return None
        try:
            picture = read_image(found.place, config.max_pixels)
        except ImageError:
            return None
        return classifier.preprocess(picture.rgb)[0]

    while group := list(islice(order, 4 * batch)):
        waiting: list[np.ndarray] = []
        for inputs in ordered_map(read, ([found] for found in group), READING_THREADS, batch):
            waiting += [one for one in inputs if one is not None]
        for at in range(0, len(waiting), batch):
            yield np.stack(waiting[at : at + batch])
