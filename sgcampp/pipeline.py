"""Conducts one run: find → read → explain → write → record."""

import errno
import itertools
import math
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Protocol

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.batch_size import tuned_batch_size
from sgcampp.engine.ensemble import Ensemble, Layout
from sgcampp.engine.settings import check_batch_size
from sgcampp.errors import RunStopped, UserError
from sgcampp.explain.looks import Look
from sgcampp.images.sources import resolve_sources
from sgcampp.models.registry import load_model
from sgcampp.run.backlog import Drive, Task, has_files, listing, tasks_left
from sgcampp.run.stages import Grouper, Reader
from sgcampp.run.stop import Stop
from sgcampp.run.tally import Summary
from sgcampp.run.targets import read_targets
from sgcampp.run.threads import ordered_map
from sgcampp.run.writing import Recorder, Written
from sgcampp.tree.index import ManifestIndex, read_manifest
from sgcampp.tree.lock import WHOLE, locked, settling
from sgcampp.tree.manifest import ManifestWriter, parts
from sgcampp.tree.paths import KINDS, MANIFEST, OutputTree, clear_tree, remove_leftovers
from sgcampp.tree.rows import Row
from sgcampp.tree.run_record import (
    NAME,
    RunRecord,
    check_base,
    differing_keys,
    read_record,
    run_yaml,
    versions,
)

FREEZE_FROM = 1000
"""Passes in a run from which on frozen weights pay (scripts/bench/startup.py, bench_engine.py)."""
SECONDS_BETWEEN_WRITES = 0.25
"""Of rows: each write waits for the disk, and the device for it."""
READERS = 2
WRITERS = 2
AHEAD = 12
"""Images, beside two groups, that may wait before and behind the device."""


class Reporter(Protocol):
    """Whoever tells the user how the run goes."""

    def note(self, sentence: str) -> None:
        """Something to know, said once."""

    def start(self, total: int) -> None:
        """The listing has `total` images."""

    def skip(self) -> None:
        """One image was dealt with by an earlier run."""

    def finish(self, row: Row) -> None:
        """One image is done or has failed; its row is written."""


def run(
    config: RunConfig, reporter: Reporter, drive: Drive | None = None, stop: Stop | None = None
) -> Summary:
    """Explains every image of a config's sources that its output tree does not have yet.

    Args:
        config: with `sources` and `out`.
        reporter: hears of everything.
        drive: how to go about it.
        stop: may ask the run to end early, with all it has done recorded.

    Raises:
        UserError: for a config that can't be run.
        RunStopped: when the disk, the device or too many failures ended it.
    """
    drive, stop = drive or Drive(), stop or Stop()
    begin = time.perf_counter()
    if not config.out:
        raise UserError("no output directory: give -o OUT")
    out = Path(config.out)
    _refuse_own_files(config, out)
    total = sum(1 for _ in listing(config, out))
    if not total:
        raise UserError(
            f"no images in {', '.join(config.sources)}: name other sources, or a glob that matches"
        )
    conducted = _Conductor(config, reporter, drive, stop, out, total)
    with _saving(out), locked(out, drive.part) as killed:
        if killed:
            remove_leftovers(out, None if drive.part == WHOLE else drive.part)
        if drive.overwrite:
            _clear(out)
        conducted.settle()
        summary = conducted.run()
    summary.seconds = time.perf_counter() - begin
    return summary


class _Conductor:
    """One run, from the loaded model to the last row; writes nothing before `settle`."""

    def __init__(
        self,
        config: RunConfig,
        reporter: Reporter,
        drive: Drive,
        stop: Stop,
        out: Path,
        total: int,
    ) -> None:
        self._config, self._reporter, self._drive, self._stop = config, reporter, drive, stop
        self._out, self._total = out, total
        self._classifier = load_model(config.model, **config.model_settings())
        for note in self._classifier.notes:
            reporter.note(note)
        self._targets = read_targets(config.target, self._classifier)
        if not drive.overwrite:
            self._refuse_other_run()
        looks = [asked.look for asked in config.looks()]
        self._frozen = self._worth_freezing(looks)
        self._ensemble = Ensemble(
            self._classifier.model,
            self._classifier.input_shape,
            looks,
            self._targets.classes,
            output_name=self._classifier.output_name,
            frozen=self._frozen,
            precision=config.precision,
            jit=config.jit,
        )
        for note in _why_unsmoothed(self._ensemble):
            reporter.note(note)
        self._tree = OutputTree(out, drive.part)

    def settle(self) -> None:
        """Takes over the record of the output tree, or makes one; for the holder of its lock."""
        with settling(self._out):
            self._refuse_other_run()
            self._record, self._layout = self._settle()

    def run(self) -> Summary:
        """Explains what is left, and tells what the numbers leave in doubt."""
        summary = Summary(total=self._drive.count(self._total))
        self._reporter.start(summary.total)
        grouper = Grouper(
            self._ensemble, self._record.batch_size, self._layout, self._stop, self._shrink
        )
        ahead = 2 * self._layout.images + AHEAD
        reader = Reader(self._classifier, self._targets, self._config.max_pixels)
        recorder = Recorder(
            self._config, self._classifier, self._targets, self._ensemble, self._tree
        )
        with (
            ManifestIndex(self._out / MANIFEST, has_files(self._out)) as known,
            ManifestWriter(self._tree.manifest_part()) as manifest,
            closing(ordered_map(reader, self._tasks(known, summary), READERS, ahead)) as loaded,
            closing(ordered_map(recorder, grouper(loaded), WRITERS, ahead)) as written,
        ):
            for batch in _batches(written):
                manifest.append([done.row for done in batch])
                for done in batch:
                    self._tell(done, summary)
        summary.interrupted = self._stop.requested
        _tell_of_doubts(summary, self._reporter)
        return summary

    def _tell(self, done: Written, summary: Summary) -> None:
        """Counts and reports one recorded row; RunStopped when there are too many failures."""
        if not done.fresh:
            summary.skipped += 1
            self._reporter.skip()
            return
        summary.add(done.row)
        self._reporter.finish(done.row)
        if summary.too_many_failures(self._config.max_failures):
            raise RunStopped(
                f"stopped after {summary.failed} failures "
                f"(max_failures={self._config.max_failures}); `sgcampp status` lists them"
            )

    def _tasks(self, known: ManifestIndex, summary: Summary) -> Iterator[Task]:
        """What is left to do; ends when the run shall stop."""
        everything = listing(self._config, self._out)
        left = tasks_left(everything, known, self._drive, summary, self._reporter.skip)
        return itertools.takewhile(lambda _: not self._stop.requested, left)

    def _refuse_other_run(self) -> None:
        known = read_record(self._out)
        if known is None:
            if any(part.stat().st_size for part in parts(self._out / MANIFEST)):
                raise UserError(
                    f"{self._out} has a manifest but no run.yaml, so nobody knows what made its "
                    "maps: choose another output directory"
                )
            return
        differing = differing_keys(
            self._config, self._classifier.fingerprint, self._targets.sha256, *known
        )
        if differing:
            raise UserError(
                f"{self._out} holds another run, which differs in {'; '.join(differing)}: choose "
                "another output directory, or --overwrite to start afresh"
            )
        check_base(self._out, self._config, known[1])

    def _worth_freezing(self, looks: list[Look]) -> bool:
        """Whether a quicker graph is worth its slower start; as the output tree has it, if any."""
        known = None if self._drive.overwrite else read_record(self._out)
        if known is not None:
            return known[1].frozen
        passes = sum(sampling.nsamples + 1 for sampling in by_sampling(looks))
        return self._total * passes >= FREEZE_FROM

    def _settle(self) -> tuple[RunRecord, Layout]:
        """The record and layout: those of the output tree if it has any, else made and written."""
        known = read_record(self._out)
        base = resolve_sources(self._config.sources, self._config.recursive).base
        if known is not None:
            record = replace(known[1], images=self._total, base=base)
            layout = self._ensemble.lay_out(record.batch_size, record.images_per_step)
        else:
            batch_size = self._batch_size()
            layout = self._ensemble.lay_out(batch_size, self._total)
            record = RunRecord(
                model_fingerprint=self._classifier.fingerprint,
                layers=list(dict.fromkeys(seen.layer for seen in self._ensemble.seen)),
                batch_size=batch_size,
                images_per_step=layout.images,
                passes=self._ensemble.passes,
                frozen=self._frozen,
                images=self._total,
                target_sha256=self._targets.sha256,
                versions=versions(),
                base=base,
            )
        if known is None or record != known[1]:
            self._tree.write(NAME, run_yaml(self._config, record))
        return record, layout

    def _batch_size(self) -> int:
        """B as the config has it, or a good one for this device."""
        config, shape = self._config, self._classifier.input_shape
        if config.batch_size != "auto":
            return check_batch_size(config.batch_size)
        key = f"{self._classifier.fingerprint} {config.precision} {config.jit}"
        samples = self._total * (self._ensemble.passes + 1)
        batch_size = tuned_batch_size(self._ensemble, shape, samples, key)
        self._reporter.note(f"batches of {batch_size} samples")
        return batch_size

    def _shrink(self, batch_size: int, layout: Layout) -> None:
        """Records and tells that the device had no memory for B."""
        self._record = replace(self._record, batch_size=batch_size, images_per_step=layout.images)
        self._tree.write(NAME, run_yaml(self._config, self._record))
        self._reporter.note(
            f"the device ran out of memory: going on with batches of {batch_size}; maps made "
            "before and after may differ in their last digits"
        )


def _refuse_own_files(config: RunConfig, out: Path) -> None:
    """Raises UserError for a source inside the directories that the run writes to."""
    for source in map(Path, config.sources):
        for kind in (MANIFEST, *KINDS):
            own = (out / kind).resolve()
            if own == source.resolve() or own in source.resolve().parents:
                raise UserError(f"source {source} lies in {out / kind}, where the run writes")


@contextmanager
def _saving(out: Path) -> Iterator[None]:
    """Turns what the file system says about the output tree into one sentence."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        if error.errno in {errno.ENOTDIR, errno.EEXIST}:
            raise UserError(f"{out} can't be an output directory: {reason}") from error
        raise RunStopped(
            f"{out} can't be written: {reason}; what is there is whole, and the same command "
            "goes on once that is mended"
        ) from error


def _clear(out: Path) -> None:
    others = (path for path in out.glob("*/*") if path.suffix != ".lock")
    if read_record(out) is None and any(others):
        raise UserError(f"{out} is no output tree of sgcampp: --overwrite leaves it alone")
    rows = read_manifest(out / MANIFEST)
    named = (files.values() for row in rows for files in (row.files, *(m.files for m in row.maps)))
    clear_tree(out, itertools.chain.from_iterable(named))
    (out / NAME).unlink(missing_ok=True)


def _batches(written: Iterator[Written]) -> Iterator[list[Written]]:
    """Cuts rows into whole groups, several of them where they come in quick succession."""
    batch: list[Written] = []
    yielded = -math.inf
    for done in written:
        batch.append(done)
        if done.last and time.monotonic() - yielded > SECONDS_BETWEEN_WRITES:
            yield batch
            batch, yielded = [], time.monotonic()
    if batch:
        yield batch


def _why_unsmoothed(ensemble: Ensemble) -> Iterator[str]:
    """Sentences about methods and layers that the noise asked for cannot reach."""
    asked = any(look.nsamples and not look.method.on_path for look in ensemble.looks)
    if asked and not any(look.method.smooth for look in ensemble.looks):
        names = dict.fromkeys(look.method.name for look in ensemble.looks)
        yield f"nsamples has no effect on {', '.join(names)}: it takes the clean image alone"
    unmoved = [
        seen.layer
        for look, seen in zip(ensemble.looks, ensemble.seen, strict=True)
        if look.averages and not seen.copies
    ]
    for layer in dict.fromkeys(unmoved):
        yield (
            f"the class scores are affine in layer {layer!r}, so noise cannot change the maps "
            "there: one pass an image gives the same as many; choose an earlier layer to see "
            "smoothing act"
        )


def _tell_of_doubts(summary: Summary, reporter: Reporter) -> None:
    if summary.poorly_sampled:
        reporter.note(
            f"few effective samples in {summary.poorly_sampled} of {summary.maps} maps: their "
            "noised samples were worth less than half their number, since e^S lets a few outweigh "
            "the rest (`ess` in the manifest); use more samples, less noise, or score=logit"
        )
    if summary.flat:
        reporter.note(
            f"{summary.flat} of {summary.maps} maps are all zeros: `reason` in the manifest tells"
        )
    if summary.incomplete:
        reporter.note(
            f"integrated gradients miss the rise of the score by more than 5 % in "
            f"{summary.incomplete} maps (`completeness` in the manifest): use more ig_steps"
        )
