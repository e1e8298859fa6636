"""The stages an image passes: read, explain, write; each yields what the next one takes."""

import contextlib
import hashlib
import itertools
import time
from collections.abc import Callable, Generator, Iterable, Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from sgcampp.backlog import Task
from sgcampp.config import RunConfig
from sgcampp.errors import RunStopped
from sgcampp.explain.engine import DeviceMemoryError, Engine, GaveUp, GroupResult, Maps
from sgcampp.explain.grid import Grid, lay_out
from sgcampp.explain.maps import REASONS
from sgcampp.files.faults import ImageError, Reason
from sgcampp.files.images import Picture, read_image
from sgcampp.files.rows import FAILED, OK, MapRecord, Row
from sgcampp.files.tree import OutputTree, relative_path
from sgcampp.files.writers import FinishedMap, Style, encode
from sgcampp.models.classifier import Classifier
from sgcampp.stop import Stop

KEPT_BYTES = 6_000_000
"""Larger pictures are decoded again when they are drawn, so that the queues stay small."""


@dataclass(frozen=True)
class Loaded:
    """One image read and prepared, or the reason why not.

    Attributes:
        task: the image.
        picture: its pixels are dropped if they are large.
        model_input: float32 [H, W, C].
        view: the rectangle (top, left, height, width) of the picture that the model sees.
        error: why it can't be explained.
        unchanged: its old row, if its bytes are the same after all.
    """

    task: Task
    picture: Picture | None = None
    model_input: NDArray[np.float32] | None = None
    view: tuple[float, float, float, float] | None = None
    error: ImageError | None = None
    unchanged: Row | None = None


@dataclass(frozen=True)
class Explained:
    """One image with its maps, at place `at` of a group's result; or as it was loaded."""

    loaded: Loaded
    result: GroupResult | None = None
    at: int = 0
    seconds: float = 0.0


@dataclass(frozen=True)
class Written:
    """A row to record. `fresh`: whether this run explained the image."""

    row: Row
    fresh: bool = True


class Reader:
    """Reads and prepares images; its calls run in threads."""

    def __init__(self, classifier: Classifier, max_pixels: int) -> None:
        self._classifier = classifier
        self._max_pixels = max_pixels

    def __call__(self, task: Task) -> Loaded:
        """Reads one image; faults become part of the result."""
        if task.found.error:
            return Loaded(task, error=task.found.error)
        try:
            picture = read_image(task.found.path, self._max_pixels)
        except ImageError as error:
            return Loaded(task, error=error)
        if task.before is not None and task.before.sha256 == picture.sha256:
            seen = replace(task.before, bytes=picture.bytes, mtime_ns=picture.mtime_ns)
            return Loaded(task, unchanged=replace(seen, finished=time.time()))
        view = self._classifier.preprocessing.view(*picture.rgb.shape[:2])
        model_input = self._classifier.preprocess(picture.rgb)[0]
        if picture.rgb.nbytes > KEPT_BYTES:
            picture = replace(picture, rgb=picture.rgb[:0].copy())
        return Loaded(task, picture, model_input, view)


class Grouper:
    """Runs groups of images through the engine, in the caller's thread.

    Args:
        engine: traced.
        codes: int32 [T], class codes, the same for every image.
        batch_size: B.
        grid: of that B.
        stop: asked before each group and slice.
        on_smaller: called with (B, grid) when the device had no memory and B was halved.
    """

    def __init__(
        self,
        engine: Engine,
        codes: NDArray[np.int32],
        batch_size: int,
        grid: Grid,
        stop: Stop,
        on_smaller: Callable[[int, Grid], None],
    ) -> None:
        self.engine, self.codes = engine, codes
        self.batch_size, self.grid = batch_size, grid
        self._stop, self._on_smaller = stop, on_smaller

    def __call__(self, images: Iterator[Loaded]) -> Generator[Explained, None, None]:
        """Explains a stream of images in its order; those with an error pass in their place."""
        with contextlib.closing(_groups(images, lambda: self.grid.images)) as groups:
            for group in groups:
                if self._stop.requested:
                    return
                try:
                    yield from self._explain(group)
                except GaveUp:
                    return

    def _explain(self, group: list[Loaded]) -> Iterator[Explained]:
        results = self._run([x.model_input for x in group if x.model_input is not None])
        for loaded in group:
            if loaded.model_input is None:
                yield Explained(loaded)
            else:
                result, at, seconds = next(results)
                yield Explained(loaded, result, at, seconds)

    def _run(self, inputs: list[NDArray[np.float32]]) -> Iterator[tuple[GroupResult, int, float]]:
        """For each input: the result it is in, its place there, and the seconds it took."""
        begin = time.perf_counter()
        while inputs:
            part = inputs[: self.grid.images]
            codes = np.tile(self.codes, (len(part), 1))
            try:
                result = self.engine.run(np.stack(part), codes, self.grid, self._stop.overdue)
            except DeviceMemoryError:
                self._halve()
                continue
            seconds = (time.perf_counter() - begin) / len(part)
            yield from ((result, at, seconds) for at in range(len(part)))
            inputs = inputs[len(part) :]
            begin = time.perf_counter()

    def _halve(self) -> None:
        if self.batch_size == 1:
            raise RunStopped("the device has no memory even for one image at a time")
        self.batch_size //= 2
        self.grid = lay_out(self.engine.passes, self.batch_size, self.grid.images)
        self._on_smaller(self.batch_size, self.grid)


class Recorder:
    """Writes the files of an image and makes its row; its calls run in threads."""

    def __init__(
        self, config: RunConfig, classifier: Classifier, engine: Engine, tree: OutputTree
    ) -> None:
        self._config, self._classifier = config, classifier
        self._engine, self._tree = engine, tree
        self._draws = any(kind != "arrays" for kind in config.write)
        self._style = Style(config.colormap, config.overlay_alpha, config.png_compression)

    def __call__(self, explained: Explained) -> Written:
        """Writes one image's files.

        Raises:
            OSError: when the output tree can't be written.
        """
        loaded = explained.loaded
        if loaded.unchanged is not None:
            return Written(loaded.unchanged, fresh=False)
        try:
            if loaded.error:
                raise loaded.error
            return Written(self._row(explained))
        except ImageError as error:
            return Written(_failed(loaded, error))

    def _row(self, explained: Explained) -> Row:
        picture, result = explained.loaded.picture, explained.result
        assert picture is not None
        assert result is not None
        dropped = self._draws and not picture.rgb.size
        rgb = self._read_again(explained.loaded) if dropped else picture.rgb
        records = itertools.chain.from_iterable(
            self._write_maps(explained, rgb, result, t) for t in range(result.class_idx.shape[1])
        )
        return Row(
            key=explained.loaded.task.found.key,
            status=OK,
            sha256=picture.sha256,
            bytes=picture.bytes,
            mtime_ns=picture.mtime_ns,
            note=picture.note,
            layer=self._engine.layers[0],
            shape=list(self._engine.layer_shapes[0][:2]),
            view=list(explained.loaded.view) if explained.loaded.view else None,
            affine_head=self._engine.affine[0],
            seconds=round(explained.seconds, 6),
            maps=list(records),
            finished=time.time(),
        )

    def _read_again(self, loaded: Loaded) -> NDArray[np.uint8]:
        """The pixels of a large picture; ImageError if its file has changed meanwhile."""
        assert loaded.picture is not None
        again = read_image(loaded.task.found.path, self._config.max_pixels)
        if again.sha256 != loaded.picture.sha256:
            raise ImageError(Reason.CHANGED, "the file changed while it was explained")
        return again.rgb

    def _write_maps(
        self, explained: Explained, rgb: NDArray[np.uint8], result: GroupResult, t: int
    ) -> Iterator[MapRecord]:
        """Writes the maps of one image and class: the whole one, then one a chosen filter."""
        maps, at = result.maps[self._engine.layers[0], self._config.method], explained.at
        rank = [f"top{t + 1}"] if result.class_idx.shape[1] > 1 else []
        idx = int(result.class_idx[at, t])
        for suffixes, chosen, saliency in _each_map(maps, at, t, self._config.filters):
            finished = FinishedMap(saliency, rgb, explained.loaded.view, self._style)
            key = explained.loaded.task.found.key
            files, digests = self._write_files(key, [*rank, *suffixes], finished)
            reason = REASONS[maps.reason[at, t]] or "no_positive_evidence"
            yield MapRecord(
                files=files,
                sha256=digests,
                class_idx=idx,
                class_name=self._classifier.class_name(idx),
                score=float(result.scores[at, t]),
                probability=float(result.probabilities[at, t]),
                method=self._config.method,
                filters=chosen,
                log_scale=float(maps.log_scale[at, t]),
                ess=float(maps.ess[at, t]),
                guarded=int(maps.guarded[at, t]),
                reason=None if saliency.any() else reason,
            )

    def _write_files(
        self, key: str, suffixes: list[str], finished: FinishedMap
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Writes one map in every kind that the config asks for: (paths, SHA-256) by kind."""
        files, digests = {}, {}
        for kind in self._config.write:
            path = relative_path(kind, key, suffixes)
            data = encode(kind, finished)
            self._tree.write(path, data)
            files[kind], digests[kind] = path, hashlib.sha256(data).hexdigest()
        return files, digests


def _groups(
    images: Iterable[Loaded], size: Callable[[], int]
) -> Generator[list[Loaded], None, None]:
    """Cuts a stream so that each group has at most `size()` images that can be explained."""
    group: list[Loaded] = []
    good = 0
    for loaded in images:
        group.append(loaded)
        good += loaded.model_input is not None
        if good >= size():
            yield group
            group, good = [], 0
    if group:
        yield group


def _each_map(
    maps: Maps, at: int, t: int, filters: list[int] | None
) -> Iterator[tuple[list[str], list[int] | None, NDArray[np.float32]]]:
    """(suffixes, feature maps, float32 [h, w]) of each map of one image and class."""
    yield [], filters, maps.whole[at, t].astype(np.float32)
    for f, k in enumerate(filters or []):
        yield [f"k{k:03d}"], [k], maps.single[at, t, ..., f].astype(np.float32)


def _failed(loaded: Loaded, error: ImageError) -> Row:
    return Row(
        key=loaded.task.found.key,
        status=FAILED,
        sha256=loaded.picture.sha256 if loaded.picture else None,
        reason=error.reason.value,
        error=error.message,
        finished=time.time(),
    )
