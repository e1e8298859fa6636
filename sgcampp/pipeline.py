"""Conducts one run: find → read → explain → write → record."""

import itertools
import time
from collections.abc import Generator, Iterator
from contextlib import closing, contextmanager
from dataclasses import replace
from typing import Protocol

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.ensemble import Ensemble, Layout
from sgcampp.errors import RunStopped, UserError
from sgcampp.images.find import find_images
from sgcampp.images.items import Found
from sgcampp.images.sources import Sources, resolve_sources
from sgcampp.models.loading import load_model
from sgcampp.run.background import Making, save, scan_of
from sgcampp.run.backlog import Drive, Task, tasks_left
from sgcampp.run.baselines import read_baselines
from sgcampp.run.doubts import doubts, last_words, why_approximate, why_unsmoothed
from sgcampp.run.examples import examples_of
from sgcampp.run.explaining import StreamExplainer
from sgcampp.run.pace import batches, pace_of
from sgcampp.run.packing import layout_of, orphans
from sgcampp.run.reading import Reader
from sgcampp.run.serving import served
from sgcampp.run.settling import Known, Wanted, known_run, settled, worth_freezing, write_run_yaml
from sgcampp.run.starting import clear, refuse_own_files, saving
from sgcampp.run.stop import Stop
from sgcampp.run.suffixes import named_looks
from sgcampp.run.summary import Summary
from sgcampp.run.targets import read_targets
from sgcampp.run.threads import ordered_map
from sgcampp.run.writing import ImageWriter, Written
from sgcampp.storage.location import store_at
from sgcampp.storage.urls import redacted
from sgcampp.tree.index import ManifestIndex
from sgcampp.tree.lock import WHOLE, locked, settling
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.open_tree import kinds_of
from sgcampp.tree.paths import MANIFEST, manifest_part
from sgcampp.tree.present import present
from sgcampp.tree.rows import Row
from sgcampp.tree.tree_writer import remove_leftovers


class Reporter(Protocol):
    """Whoever tells the user how the run goes."""

    def note(self, sentence: str) -> None:
        """Something to know, said once."""

    def start(self, summary: Summary) -> None:
        """The listing is known; the summary goes on counting."""

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
    refuse_own_files(config.sources, config.out, kinds_of(config.write))
    sources = resolve_sources(config.sources, config.recursive)
    conducted = _Conductor(config, reporter, drive, stop, sources)
    with saving(config.out), conducted.locked():
        summary = conducted.run()
    summary.seconds = time.perf_counter() - begin
    return summary


class _Conductor:
    """One run, from the loaded model to the last row; writes nothing before it holds the lock."""

    def __init__(
        self,
        config: RunConfig,
        reporter: Reporter,
        drive: Drive,
        stop: Stop,
        sources: Sources,
    ) -> None:
        self._config, self._reporter, self._drive, self._stop = config, reporter, drive, stop
        self._sources, self._store = sources, store_at(config.out or "", drive.part)
        total = sum(1 for _ in self._listing())
        if not total:
            raise UserError(
                f"no images in {', '.join(map(redacted, config.sources))}: name other sources, or "
                "a glob that matches"
            )
        classifier = load_model(config.model, **config.model_settings())
        for note in classifier.notes:
            reporter.note(note)
        targets = read_targets(config.target, classifier)
        against = read_baselines(config, classifier)
        making = Making(reporter.note, lambda: stop.requested)
        with saving(config.out or ""):
            self._scan = scan_of(config, classifier, self._store, making)
            background = self._scan.background.sha256 if self._scan else None
            base = sources.shown_base
            self._wanted = Wanted(config, classifier, targets, total, base, against, background)
            known = None if drive.overwrite else known_run(self._store, self._wanted)
        self._ensemble = self._traced(known)
        self._looks = named_looks(self._asked, self._ensemble.seen)
        for note in (*why_unsmoothed(self._ensemble), *why_approximate(self._ensemble)):
            reporter.note(note)

    def _traced(self, known: Known | None) -> Ensemble:
        config, classifier = self._config, self._wanted.classifier
        self._asked = served(config, classifier, self._reporter.note)
        looks = [asked.look for asked in self._asked]
        self._frozen = worth_freezing(looks, classifier.input_shape, self._wanted.total, known)
        return Ensemble(
            classifier.model,
            classifier.input_shape,
            looks,
            self._wanted.targets.classes,
            self._wanted.against.baselines,
            self._scan,
            examples_of(self._listing, self._wanted.total, classifier, config.max_pixels),
            config.tolerance,
            output_name=classifier.output_name,
            frozen=self._frozen,
            precision=config.precision,
            jit=config.jit,
        )

    @contextmanager
    def locked(self) -> Iterator[None]:
        """Holds the output tree's lock, tidied up and with its record settled."""
        drive, kinds = self._drive, kinds_of(self._config.write)
        if not self._store.guarded:
            self._reporter.note(
                f"nothing keeps two runs apart in {self._store.shown()}: its store has no locks; "
                "make sure that this is the only one"
            )
        with locked(self._store, drive.part) as killed:
            if killed:
                remove_leftovers(self._store, kinds, None if drive.part == WHOLE else drive.part)
            if drive.overwrite:
                clear(self._store)
            with settling(self._store):
                self._settle()
            if lost := orphans(self._store, drive.part):
                with manifest_writer(self._store, manifest_part(drive.part)) as manifest:
                    manifest.append(lost)
            yield

    def _settle(self) -> None:
        known = known_run(self._store, self._wanted)
        self._record, self._layout = settled(self._wanted, known, self._ensemble, self._frozen)
        if known is None and self._config.batch_size == "auto":
            self._reporter.note(f"batches of {self._record.batch_size} samples")
        if known is None or self._record != known[1]:
            write_run_yaml(self._store, self._config, self._record)
        save(self._store, self._scan)

    def run(self) -> Summary:
        """Explains what is left, and tells what the numbers leave in doubt."""
        wanted, config = self._wanted, self._config
        total = self._drive.count(wanted.total)
        summary = Summary(total, closing=last_words(self._ensemble))
        self._reporter.start(summary)
        explain = StreamExplainer(
            self._ensemble, self._record.batch_size, self._layout, self._stop, self._shrink
        )
        near = all(one.location.near for one in self._sources.kept)
        pace = pace_of(near, self._store.near, self._layout.images)
        read = Reader(wanted.classifier, wanted.targets, config.max_pixels)
        tree, packed = layout_of(config.layout, self._store, self._drive.part, config.shard_size)
        write = ImageWriter(config, wanted.classifier, wanted.targets, self._looks, tree)
        is_there = present(self._store, kinds_of(config.write))
        with (
            ManifestIndex(self._store, is_there) as known,
            manifest_writer(self._store, manifest_part(self._drive.part)) as manifest,
            closing(self._tasks(known, summary)) as tasks,
            closing(ordered_map(read, tasks, pace.reading, pace.ahead)) as loaded,
            closing(explain(itertools.chain.from_iterable(loaded))) as explained,
            closing(ordered_map(write, explained, pace.writing, pace.ahead)) as written,
            closing(batches(packed(written), pace.seconds)) as recordable,
        ):
            for batch in recordable:
                manifest.append([done.row for done in batch])
                for done in batch:
                    self._tell(done, summary)
        summary.interrupted = self._stop.requested
        for sentence in doubts(summary.rows):
            self._reporter.note(sentence)
        return summary

    def _tell(self, done: Written, summary: Summary) -> None:
        """Counts and reports one recorded row; RunStopped when there are too many failures."""
        if not done.fresh:
            summary.skipped += 1
            self._reporter.skip()
            return
        summary.rows.add(done.row)
        self._reporter.finish(done.row)
        if summary.too_many_failures(self._config.max_failures):
            raise RunStopped(
                f"stopped after {summary.failed} failures "
                f"(max_failures={self._config.max_failures}); `sgcampp status` lists them"
            )

    def _listing(self) -> Iterator[Found]:
        """All images of the sources, in their stable order, without the output tree's own."""
        filled = (MANIFEST, *kinds_of(self._config.write))
        config = self._config
        return find_images(self._sources, config.glob, config.recursive, [config.out or ""], filled)

    def _tasks(self, known: ManifestIndex, summary: Summary) -> Generator[list[Task], None, None]:
        """What is left to do, one by one; ends when the run shall stop."""
        skip = self._reporter.skip
        for task in tasks_left(self._listing(), known, self._drive, summary, skip):
            if self._stop.requested:
                return
            yield [task]

    def _shrink(self, batch_size: int, layout: Layout) -> None:
        """Records and tells that the device had no memory for B."""
        self._record = replace(self._record, batch_size=batch_size, images_per_step=layout.images)
        write_run_yaml(self._store, self._config, self._record)
        self._reporter.note(
            f"the device ran out of memory: going on with batches of {batch_size}; maps made "
            "before and after may differ in their last digits"
        )
