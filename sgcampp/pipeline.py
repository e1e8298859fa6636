"""Conducts one run: find → read → explain → write → record."""

import hashlib
import itertools
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from sgcampp.config import RunConfig
from sgcampp.errors import UserError
from sgcampp.explain.engine import Engine, GroupResult, Maps
from sgcampp.explain.explainer import Explainer
from sgcampp.explain.grid import Grid, check_batch_size, lay_out
from sgcampp.explain.maps import REASONS
from sgcampp.explain.targets import check_codes
from sgcampp.files.faults import ImageError
from sgcampp.files.find import Found, find_images
from sgcampp.files.images import Picture, read_image
from sgcampp.files.index import ManifestIndex
from sgcampp.files.manifest import ManifestWriter
from sgcampp.files.rows import FAILED, OK, MapRecord, Row
from sgcampp.files.tree import MANIFEST, OutputTree, relative_path
from sgcampp.files.writers import FinishedMap, Style, encode
from sgcampp.models.classifier import Classifier
from sgcampp.models.registry import load_model
from sgcampp.record import NAME, RunRecord, differing_keys, read_record, run_yaml, versions
from sgcampp.threads import ordered_map

READERS = 2
WRITERS = 2


class Reporter(Protocol):
    """Whoever tells the user how the run goes."""

    def note(self, sentence: str) -> None:
        """Something to know, said once."""

    def start(self, total: int, done: int) -> None:
        """The listing has `total` images, `done` of them from earlier runs."""

    def finish(self, row: Row) -> None:
        """One image is done or has failed; its row is written."""


@dataclass
class Summary:
    """What came of a run.

    Attributes:
        total: images in the listing.
        skipped: done by earlier runs.
        explained: done by this one.
        failed: images that could not be explained, each with a row.
        flat: maps that are all zeros.
        poorly_sampled: maps whose samples were worth less than half of n.
        seconds: of the whole run.
    """

    total: int = 0
    skipped: int = 0
    explained: int = 0
    failed: int = 0
    flat: int = 0
    poorly_sampled: int = 0
    seconds: float = 0.0

    @property
    def exit_code(self) -> int:
        """0 if all images are explained, 1 if some failed."""
        return 1 if self.failed else 0

    def __str__(self) -> str:
        parts = [f"{self.explained} explained"]
        parts += [f"{self.skipped} done before"] * bool(self.skipped)
        parts += [f"{self.failed} failed"] * bool(self.failed)
        return f"{', '.join(parts)} of {self.total} images in {self.seconds:.1f} s"

    def add(self, row: Row, nsamples: int) -> None:
        """Counts one row."""
        self.explained += row.status == OK
        self.failed += row.status == FAILED
        self.flat += sum(record.reason is not None for record in row.maps)
        self.poorly_sampled += sum(
            nsamples > 1 and record.ess is not None and record.ess < nsamples / 2
            for record in row.maps
            if len(record.filters or []) != 1
        )


@dataclass(frozen=True)
class Loaded:
    """One image of the listing, read and prepared, or the reason why not."""

    found: Found
    picture: Picture | None = None
    model_input: NDArray[np.float32] | None = None
    error: ImageError | None = None


@dataclass(frozen=True)
class Explained:
    """One image with its finished maps, ready to be written."""

    loaded: Loaded
    result: GroupResult | None = None
    at: int = 0
    seconds: float = 0.0


@dataclass
class Run:
    """One run with everything it needs at hand.

    Attributes:
        config: the resolved config.
        classifier: the loaded model.
        engine: traced at the config's layer.
        grid: how images and samples are laid out.
        codes: int32 [T], class codes, the same for every image.
        tree: the output tree.
        done: what the manifest says is done.
    """

    config: RunConfig
    classifier: Classifier
    engine: Engine
    grid: Grid
    codes: NDArray[np.int32]
    tree: OutputTree
    summary: Summary = field(default_factory=Summary)

    def load(self, found: Found) -> Loaded:
        """Reads and preprocesses one image; runs in a reader's thread."""
        if found.error:
            return Loaded(found, error=found.error)
        try:
            picture = read_image(found.path)
        except ImageError as error:
            return Loaded(found, error=error)
        return Loaded(found, picture, self.classifier.preprocess(picture.rgb)[0])

    def explain(self, images: Iterator[Loaded]) -> Iterator[Explained]:
        """Runs groups of images through the engine; failed ones pass in their place."""
        for group in _groups(images, self.grid.images):
            good = [loaded for loaded in group if loaded.model_input is not None]
            result, seconds = None, 0.0
            if good:
                begin = time.perf_counter()
                batch = np.stack([loaded.model_input for loaded in good])  # type: ignore[misc]
                result = self.engine.run(batch, np.tile(self.codes, (len(good), 1)), self.grid)
                seconds = (time.perf_counter() - begin) / len(good)
            position = itertools.count()
            for loaded in group:
                if loaded.error:
                    yield Explained(loaded)
                else:
                    yield Explained(loaded, result, next(position), seconds)

    def write(self, explained: Explained) -> Row:
        """Writes one image's files and returns its row; runs in a writer's thread."""
        loaded = explained.loaded
        if explained.result is None or loaded.picture is None:
            return _failed(loaded, loaded.error)
        try:
            records = [
                record
                for t in range(len(self.codes))
                for record in self._write_maps(loaded, explained.result, explained.at, t)
            ]
        except ImageError as error:
            return _failed(loaded, error)
        picture = loaded.picture
        return Row(
            key=loaded.found.key,
            status=OK,
            sha256=picture.sha256,
            bytes=picture.bytes,
            mtime_ns=picture.mtime_ns,
            note=picture.note,
            layer=self.engine.layers[0],
            shape=list(self.engine.layer_shapes[0][:2]),
            affine_head=self.engine.affine[0],
            seconds=round(explained.seconds, 6),
            finished=time.time(),
            maps=records,
        )

    def _write_maps(
        self, loaded: Loaded, result: GroupResult, at: int, t: int
    ) -> Iterator[MapRecord]:
        """Writes the maps of one image and class: the whole one, then one a chosen filter."""
        key = self.engine.layers[0], self.config.method
        maps = result.maps[key]
        rank = [f"top{t + 1}"] if len(self.codes) > 1 else []
        idx = int(result.class_idx[at, t])
        for suffixes, chosen, saliency in _each_map(maps, at, t, self.config.filters):
            files, digests = self._write_files(loaded, [*rank, *suffixes], saliency)
            reason = REASONS[maps.reason[at, t]]
            yield MapRecord(
                files=files,
                sha256=digests,
                class_idx=idx,
                class_name=self.classifier.class_name(idx),
                score=float(result.scores[at, t]),
                probability=float(result.probabilities[at, t]),
                method=self.config.method,
                filters=chosen,
                log_scale=float(maps.log_scale[at, t]),
                ess=float(maps.ess[at, t]),
                guarded=int(maps.guarded[at, t]),
                reason=None if saliency.any() else reason or "no_positive_evidence",
            )

    def _write_files(
        self, loaded: Loaded, suffixes: list[str], saliency: NDArray[np.float32]
    ) -> tuple[dict[str, str], dict[str, str]]:
        """Writes one map in every kind that the config asks for: (paths, SHA-256) by kind."""
        assert loaded.picture is not None
        height, width = loaded.picture.rgb.shape[:2]
        config = self.config
        style = Style(config.colormap, config.overlay_alpha, config.png_compression)
        view = self.classifier.preprocessing.view(height, width)
        finished = FinishedMap(saliency, loaded.picture.rgb, view, style)
        files, digests = {}, {}
        for kind in config.write:
            path = relative_path(kind, loaded.found.key, suffixes)
            data = encode(kind, finished)
            self.tree.write(path, data)
            files[kind], digests[kind] = path, hashlib.sha256(data).hexdigest()
        return files, digests


def run(config: RunConfig, reporter: Reporter) -> Summary:
    """Explains every image of a config's sources that its output tree does not have yet.

    Args:
        config: with `sources` and `out`.
        reporter: hears of everything.

    Raises:
        UserError: for a config that can't be run, in one sentence.
    """
    if not config.out:
        raise UserError("no output directory: give -o OUT")
    begin = time.perf_counter()
    out = Path(config.out)
    total = sum(1 for _ in _listing(config, out))
    if not total:
        raise UserError(
            f"no images in {', '.join(config.sources)}: name other sources, or a glob that matches"
        )
    prepared = _prepare(config, out, total, reporter)
    summary = prepared.summary
    summary.total = total
    with ManifestIndex(out / MANIFEST) as index:
        summary.skipped = sum(_is_done(found, index, out) for found in _listing(config, out))
        reporter.start(total, summary.skipped)
        missing = (f for f in _listing(config, out) if not _is_done(f, index, out))
        ahead = 2 * prepared.grid.images + READERS
        loaded = ordered_map(prepared.load, missing, READERS, ahead)
        rows = ordered_map(prepared.write, prepared.explain(loaded), WRITERS, ahead)
        with ManifestWriter(prepared.tree.manifest_part()) as manifest:
            for row in rows:
                manifest.append([row])
                summary.add(row, prepared.engine.passes)
                reporter.finish(row)
    summary.seconds = time.perf_counter() - begin
    _tell_of_doubts(summary, prepared.engine, reporter)
    return summary


def _listing(config: RunConfig, out: Path) -> Iterator[Found]:
    return find_images(config.sources, config.glob, config.recursive, exclude=[out])


def _prepare(config: RunConfig, out: Path, total: int, reporter: Reporter) -> Run:
    """Loads and traces the model and settles the grid, as the output tree has it if it has one."""
    classifier = load_model(config.model, **config.model_settings())
    for note in classifier.notes:
        reporter.note(note)
    known = read_record(out)
    if known:
        differing = differing_keys(config, classifier.fingerprint, *known)
        if differing:
            raise UserError(
                f"{out} holds another run, which differs in {'; '.join(differing)}: "
                "choose another output directory"
            )
    explainer = Explainer(
        classifier,
        config.layer_name,
        config.method,
        config.nsamples,
        config.std_dev,
        config.seed,
        filters=config.filters,
        region=config.region,
        subset=config.subset,
        **vars(config.choices()),
    )
    codes = explainer.codes(config.target, 1)[0]
    engine = explainer.engine(len(codes), classifier.input_shape)
    check_codes(codes.tolist(), engine.class_count)
    batch_size = known[1].batch_size if known else check_batch_size(config.batch_size)
    grid = lay_out(engine.passes, batch_size, known[1].images_per_step if known else total)
    tree = OutputTree(out)
    record = RunRecord(
        classifier.fingerprint,
        engine.layers[0],
        batch_size,
        grid.images,
        engine.passes,
        total,
        versions(),
    )
    tree.write(NAME, run_yaml(config, record))
    if engine.passes < config.nsamples:
        reporter.note(_why_unsmoothed(config, engine))
    return Run(config, classifier, engine, grid, codes, tree)


def _why_unsmoothed(config: RunConfig, engine: Engine) -> str:
    if engine.affine[0]:
        return (
            f"the class scores are affine in layer {engine.layers[0]!r}, so noise cannot change "
            f"the maps: one pass an image instead of {config.nsamples} gives the same; choose an "
            "earlier layer to see smoothing act"
        )
    return f"{config.method} looks at the clean image alone: nsamples has no effect"


def _tell_of_doubts(summary: Summary, engine: Engine, reporter: Reporter) -> None:
    if summary.poorly_sampled:
        reporter.note(
            f"{summary.poorly_sampled} maps rest on few samples: their {engine.passes} noised "
            f"samples were worth fewer than {engine.passes / 2:g}, since e^S lets a few outweigh "
            "the rest (`ess` in the manifest); use more samples, less noise, or score=logit"
        )
    if summary.flat:
        reporter.note(f"{summary.flat} maps are all zeros; the manifest says why (`reason`)")


def _is_done(found: Found, index: ManifestIndex, out: Path) -> bool:
    row = index.row(found.key)
    if row is None or row.status != OK:
        return False
    return all((out / path).exists() for record in row.maps for path in record.files.values())


def _groups(images: Iterator[Loaded], size: int) -> Iterator[list[Loaded]]:
    """Cuts the stream so that each group has at most `size` images that can be explained."""
    group: list[Loaded] = []
    good = 0
    for loaded in images:
        group.append(loaded)
        good += loaded.error is None
        if good == size:
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


def _failed(loaded: Loaded, error: ImageError | None) -> Row:
    assert error is not None
    return Row(
        key=loaded.found.key,
        status=FAILED,
        sha256=loaded.picture.sha256 if loaded.picture else None,
        reason=error.reason.value,
        error=error.message,
        finished=time.time(),
    )
