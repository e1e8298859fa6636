"""The last stage: writes the files about an image and makes its row."""

import hashlib
import time
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.results import ImageMap
from sgcampp.images.decode import decoded, read_image
from sgcampp.images.faults import ImageError, Reason
from sgcampp.models.classifier import Classifier
from sgcampp.pictures.rendering import robust_peak
from sgcampp.pictures.style import Style
from sgcampp.pictures.writers import (
    WRITERS,
    DrawnMap,
    FinishedImage,
    FinishedMap,
    Writer,
    encode,
)
from sgcampp.run.explaining import Explained, Outcome
from sgcampp.run.reading import Failed, Ready, Unchanged
from sgcampp.run.recording import Written
from sgcampp.run.suffixes import NamedLook
from sgcampp.run.targets import Targets
from sgcampp.storage.store import Content, Stat
from sgcampp.tree.rows import FAILED, OK, MapRow, Row
from sgcampp.tree.tree_writer import TreeWriter


class ImageWriter:
    """Writes the files of an image and makes its row; its calls run in threads.

    Args:
        config: of the run.
        classifier: names the classes.
        targets: which of them are explained.
        looks: what is looked at, with the words that tell its files apart.
        tree: where to write.
    """

    def __init__(
        self,
        config: RunConfig,
        classifier: Classifier,
        targets: Targets,
        looks: Sequence[NamedLook],
        tree: TreeWriter,
    ) -> None:
        self._config, self._classifier = config, classifier
        self._targets, self._looks, self._tree = targets, looks, tree
        writers = [WRITERS[kind] for kind in config.write]
        self._of_maps = [writer for writer in writers if not writer.of_image]
        self._of_images = [writer for writer in writers if writer.of_image]
        self._draws = any(writer.draws for writer in writers)
        self._style = Style(
            config.colormap,
            config.overlay_alpha,
            config.png_compression,
            config.panel_scale,
            config.fade_uncertain,
            panel_errors="error_heatmaps" in config.write,
        )

    def __call__(self, outcome: Outcome) -> Written:
        """Writes one image's files.

        Raises:
            OSError: when the output tree can't be written.
        """
        if isinstance(outcome, Unchanged):
            return Written(outcome.row, fresh=False)
        if isinstance(outcome, Failed):
            return Written(_failed_row(outcome))
        try:
            return Written(self._row(outcome))
        except ImageError as error:
            image = outcome.image
            return Written(_failed_row(Failed(image.task, error, image.picture.sha256)))

    def _row(self, explained: Explained) -> Row:
        image, picture = explained.image, explained.image.picture
        dropped = self._draws and not picture.rgb.size
        rgb = self._read_again(image) if dropped else picture.rgb
        maps = list(self._write_maps(explained, rgb))
        files, digests = self._write_about_image(image, rgb, maps)
        notes = [picture.note] if picture.note else []
        if not maps:
            notes.append(f"no class has a probability above {self._targets.above:g}")
        return Row(
            key=image.task.found.key,
            status=OK,
            sha256=picture.sha256,
            bytes=picture.bytes,
            mtime_ns=picture.mtime_ns,
            note="; ".join(notes) or None,
            view=list(image.view) if image.view else None,
            seconds=round(explained.seconds, 6),
            files=files,
            sha256_files=digests,
            maps=[drawn.row for drawn in maps],
            finished=time.time(),
        )

    def _read_again(self, image: Ready) -> NDArray[np.uint8]:
        """The pixels of a large picture; ImageError if its file has changed meanwhile."""
        place, encoded = image.task.found.place, image.picture.encoded
        if place is None or encoded is not None:
            kept = Content(encoded or b"", Stat(image.picture.bytes, image.picture.mtime_ns, None))
            return decoded(kept, self._config.max_pixels).rgb
        again = read_image(place, self._config.max_pixels)
        if again.sha256 != image.picture.sha256:
            raise ImageError(Reason.CHANGED, "the file changed while it was explained")
        return again.rgb

    def _write_maps(self, explained: Explained, rgb: NDArray[np.uint8]) -> Iterator[DrawnMap]:
        """Writes the maps of one image: by look and class the whole one, then one a filter."""
        above, result = self._targets.above, explained.result
        for named in self._looks:
            for t in range(self._targets.classes):
                if above is None or result.classes.probabilities[explained.at, t] > above:
                    target = [self._targets.word(t)] if self._targets.classes > 1 else []
                    for i, one in enumerate(result.image_maps(named.look, explained.at, t)):
                        of_filter = [f"k{one.filters[0]:03d}"] if i and one.filters else []
                        words = [*named.words, *target, *of_filter]
                        yield self._write_map(explained.image, rgb, named, one, words)

    def _write_map(
        self,
        image: Ready,
        rgb: NDArray[np.uint8],
        named: NamedLook,
        one: ImageMap,
        words: Sequence[str],
    ) -> DrawnMap:
        peak = robust_peak(one.saliency) if one.look.method.over_pixels else None
        signed = one.look.sign == "signed"
        drawn = (self._style, peak, one.error.se, signed, one.look.method.from_minimum)
        finished = FinishedMap(one.saliency, rgb, image.view, *drawn)
        files, digests = {}, {}
        for writer in self._of_maps:
            if writer.of_error and finished.error is None:
                continue
            data = encode(writer.kind, finished)
            files[writer.kind], digests[writer.kind] = self._write(writer, image, words, data)
        row = self._map_row(named, one, files, digests)
        return DrawnMap(row, finished.shown, peak, one.error.se)

    def _map_row(
        self, named: NamedLook, one: ImageMap, files: dict[str, str], digests: dict[str, str]
    ) -> MapRow:
        against = one.against_idx
        return MapRow(
            files=files,
            sha256=digests,
            class_idx=one.class_idx,
            class_name=self._classifier.class_name(one.class_idx),
            against_idx=against,
            against_name=None if against is None else self._classifier.class_name(against),
            score=one.score,
            probability=one.probability,
            method=one.look.method.name,
            layer=one.seen.layer,
            shape=list(one.saliency.shape),
            signed=one.look.sign == "signed",
            affine_head=one.seen.affine,
            nsamples=one.copies,
            across=named.across or None,
            filters=None if one.filters is None else list(one.filters),
            weights=None if one.weights is None else list(one.weights),
            log_scale=one.log_scale,
            ess=one.ess,
            relative_se=one.error.relative,
            error_groups=one.seen.groups if one.error.se is not None else 0,
            no_error=one.error.reason,
            tolerance_met=one.error.meets(self._config.tolerance),
            guarded=one.guarded,
            completeness=one.completeness,
            perturbations=one.seen.perturbations or None,
            r2=one.r2,
            reason=one.reason,
            scanned=None if one.scanned is None else one.scanned._asdict(),
        )

    def _write_about_image(
        self, image: Ready, rgb: NDArray[np.uint8], maps: Sequence[DrawnMap]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Writes what is about a whole image, as panels are: (path, SHA-256) by kind."""
        files: dict[str, str] = {}
        digests: dict[str, str] = {}
        if maps:
            finished = FinishedImage(image.task.found.key, rgb, image.view, maps, self._style)
            for writer in self._of_images:
                data = writer.encode(finished)
                files[writer.kind], digests[writer.kind] = self._write(writer, image, [], data)
        return files, digests

    def _write(
        self, writer: Writer, image: Ready, suffixes: Sequence[str], data: bytes
    ) -> tuple[str, str]:
        key = image.task.found.key
        path = self._tree.write(key, writer.kind, writer.extension, suffixes, data)
        return path, hashlib.sha256(data).hexdigest()


def _failed_row(failed: Failed) -> Row:
    return Row(
        key=failed.task.found.key,
        status=FAILED,
        sha256=failed.sha256,
        reason=failed.error.reason.value,
        error=failed.error.message,
        finished=time.time(),
    )
