"""The last stage: writes the files about an image and makes its row."""

import hashlib
import time
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.engine import GroupResult
from sgcampp.engine.ensemble import Ensemble
from sgcampp.explain.classes import NO_CLASS
from sgcampp.explain.lens import REASONS
from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError, Reason
from sgcampp.models.classifier import Classifier
from sgcampp.pictures.arrangement import Compared, panel_of
from sgcampp.pictures.rendering import robust_peak
from sgcampp.pictures.writers import FinishedMap, Style, encode, png
from sgcampp.run.stages import Explained, Loaded
from sgcampp.run.suffixes import suffixes_of
from sgcampp.run.targets import Targets
from sgcampp.tree.paths import PANELS, OutputTree, relative_path
from sgcampp.tree.rows import FAILED, OK, MapRecord, Row


@dataclass(frozen=True)
class Written:
    """A row to record.

    Attributes:
        row: the row.
        fresh: whether this run explained the image.
        last: whether its group ends with it.
    """

    row: Row
    fresh: bool = True
    last: bool = False


class Recorder:
    """Writes the files of an image and makes its row; its calls run in threads."""

    def __init__(
        self,
        config: RunConfig,
        classifier: Classifier,
        targets: Targets,
        ensemble: Ensemble,
        tree: OutputTree,
    ) -> None:
        self._config, self._classifier = config, classifier
        self._targets, self._tree = targets, tree
        self._asked, self._seen = config.looks(), ensemble.seen
        self._suffixes = suffixes_of(self._asked, self._seen)
        self._kinds = [kind for kind in config.write if kind != PANELS]
        self._draws = any(kind != "arrays" for kind in config.write)
        self._style = Style(config.colormap, config.overlay_alpha, config.png_compression)

    def __call__(self, explained: Explained) -> Written:
        """Writes one image's files.

        Raises:
            OSError: when the output tree can't be written.
        """
        loaded = explained.loaded
        if loaded.unchanged is not None:
            return Written(loaded.unchanged, fresh=False, last=explained.last)
        try:
            if loaded.error:
                raise loaded.error
            return Written(self._row(explained), last=explained.last)
        except ImageError as error:
            return Written(_failed(loaded, error), last=explained.last)

    def _row(self, explained: Explained) -> Row:
        loaded, picture = explained.loaded, explained.loaded.picture
        assert picture is not None
        dropped = self._draws and not picture.rgb.size
        rgb = self._read_again(loaded) if dropped else picture.rgb
        maps = list(self._write_maps(explained, rgb))
        files, digests = self._write_panel(loaded, rgb, maps)
        notes = [picture.note] if picture.note else []
        if not maps:
            notes.append(f"no class has a probability above {self._targets.above:g}")
        return Row(
            key=loaded.task.found.key,
            status=OK,
            sha256=picture.sha256,
            bytes=picture.bytes,
            mtime_ns=picture.mtime_ns,
            note="; ".join(notes) or None,
            view=list(loaded.view) if loaded.view else None,
            seconds=round(explained.seconds, 6),
            files=files,
            sha256_files=digests,
            maps=[compared.record for compared in maps],
            finished=time.time(),
        )

    def _read_again(self, loaded: Loaded) -> NDArray[np.uint8]:
        """The pixels of a large picture; ImageError if its file has changed meanwhile."""
        assert loaded.picture is not None
        again = read_image(loaded.task.found.path, self._config.max_pixels)
        if again.sha256 != loaded.picture.sha256:
            raise ImageError(Reason.CHANGED, "the file changed while it was explained")
        return again.rgb

    def _write_maps(self, explained: Explained, rgb: NDArray[np.uint8]) -> Iterator[Compared]:
        """Writes the maps of one image: by look and class the whole one, then one a filter."""
        result, at = explained.result, explained.at
        assert result is not None
        for look in range(len(self._asked)):
            for t in range(self._targets.classes):
                above = self._targets.above
                if above is None or result.probabilities[at, t] > above:
                    yield from self._write_class(explained, rgb, result, look, t)

    def _write_class(
        self,
        explained: Explained,
        rgb: NDArray[np.uint8],
        result: GroupResult,
        look: int,
        t: int,
    ) -> Iterator[Compared]:
        words = [*self._suffixes[look]]
        words += [self._targets.word(t)] if self._targets.classes > 1 else []
        key = explained.loaded.task.found.key
        for more, filters, saliency in self._each_map(result, explained.at, look, t):
            peak = robust_peak(saliency) if self._asked[look].look.method.over_pixels else None
            finished = FinishedMap(saliency, rgb, explained.loaded.view, self._style, peak)
            written = self._write_files(key, [*words, *more], finished)
            record = self._record(result, explained.at, look, t, filters, saliency, *written)
            yield Compared(record, saliency, peak)

    def _each_map(
        self, result: GroupResult, at: int, look: int, t: int
    ) -> Iterator[tuple[list[str], list[int] | None, NDArray[np.float32]]]:
        """(suffixes, feature maps, float32 [h, w]) of each map of one image, look and class."""
        maps, chosen = result.maps[look], self._asked[look].look.selection.filters
        filters = None if chosen is None else list(chosen)
        yield [], filters, maps.whole[at, t].astype(np.float32)
        for f, k in enumerate(filters or []):
            yield [f"k{k:03d}"], [k], maps.single[at, t, ..., f].astype(np.float32)

    def _record(
        self,
        result: GroupResult,
        at: int,
        look: int,
        t: int,
        filters: list[int] | None,
        saliency: NDArray[np.float32],
        files: dict[str, str],
        digests: dict[str, str],
    ) -> MapRecord:
        asked, seen, maps = self._asked[look], self._seen[look], result.maps[look]
        idx, against = int(result.class_idx[at, t]), int(result.against_idx[at, t])
        contrast = against != NO_CLASS
        reason = REASONS[maps.reason[at, t]] or "no_positive_evidence"
        return MapRecord(
            files=files,
            sha256=digests,
            class_idx=idx,
            class_name=self._classifier.class_name(idx),
            against_idx=against if contrast else None,
            against_name=self._classifier.class_name(against) if contrast else None,
            score=float(result.scores[at, t]),
            probability=_number(result.probabilities[at, t]),
            method=asked.look.method.name,
            layer=seen.layer,
            shape=list(saliency.shape),
            affine_head=seen.affine,
            nsamples=seen.copies,
            across=asked.across or None,
            filters=filters,
            log_scale=float(maps.log_scale[at, t]),
            ess=float(maps.ess[at, t]),
            guarded=int(maps.guarded[at, t]),
            completeness=_number(maps.completeness[at, t]),
            reason=None if saliency.any() else reason,
        )

    def _write_files(
        self, key: str, suffixes: list[str], finished: FinishedMap
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Writes one map in every kind that the config asks for: (paths, SHA-256) by kind."""
        files, digests = {}, {}
        for kind in self._kinds:
            data = encode(kind, finished)
            files[kind], digests[kind] = self._write(kind, key, suffixes, data)
        return files, digests

    def _write_panel(
        self, loaded: Loaded, rgb: NDArray[np.uint8], maps: list[Compared]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Writes the panel of an image, if the config asks for one: (path, SHA-256) by kind."""
        if PANELS not in self._config.write or not maps:
            return {}, {}
        key = loaded.task.found.key
        picture = panel_of(rgb, maps, key, loaded.view, self._config)
        data = png(picture, self._config.png_compression)
        path, digest = self._write(PANELS, key, [], data)
        return {PANELS: path}, {PANELS: digest}

    def _write(self, kind: str, key: str, suffixes: list[str], data: bytes) -> tuple[str, str]:
        path = relative_path(kind, key, suffixes)
        self._tree.write(path, data)
        return path, hashlib.sha256(data).hexdigest()


def _number(value: np.floating) -> float | None:
    """NaN, which stands for what there is not, as None."""
    return None if np.isnan(value) else float(value)


def _failed(loaded: Loaded, error: ImageError) -> Row:
    return Row(
        key=loaded.task.found.key,
        status=FAILED,
        sha256=loaded.picture.sha256 if loaded.picture else None,
        reason=error.reason.value,
        error=error.message,
        finished=time.time(),
    )
