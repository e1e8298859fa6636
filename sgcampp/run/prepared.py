"""A run's model, loaded and traced, and the stages that an image goes through with it."""

import itertools
from collections.abc import Callable, Generator, Iterable
from contextlib import closing
from dataclasses import asdict, replace

from sgcampp.engine.ensemble import Ensemble, Layout
from sgcampp.explain.looks import Look
from sgcampp.models.loading import load_model
from sgcampp.run.background import Making, save, scan_of
from sgcampp.run.backlog import Task
from sgcampp.run.baselines import read_baselines
from sgcampp.run.doubts import last_words, why_approximate, why_no_errors, why_unsmoothed
from sgcampp.run.examples import examples_of
from sgcampp.run.explaining import StreamExplainer
from sgcampp.run.listing import Listing
from sgcampp.run.pace import batches, pace_of
from sgcampp.run.packing import layout_of
from sgcampp.run.reading import Reader
from sgcampp.run.recording import Written
from sgcampp.run.serving import served
from sgcampp.run.settling import Wanted, differences, known_run, settled, worth_freezing
from sgcampp.run.stop import Stop
from sgcampp.run.suffixes import named_looks
from sgcampp.run.targets import read_targets
from sgcampp.run.threads import let_requests_step_back, ordered_map
from sgcampp.run.writing import ImageWriter
from sgcampp.storage.store import Store
from sgcampp.storage.urls import without_secrets
from sgcampp.tree.run_record import RunRecord

OnSmaller = Callable[[RunRecord], None]


class Prepared:
    """What a process has ready before it explains the first image of a run; writes nothing.

    Attributes:
        closing: what the last line of the run adds.

    Args:
        listing: all images of the run.
        store: its output tree.
        making: how what takes long is told.
        afresh: whether what the output tree holds does not count.
        record: of a run that is under way already, which is not held against the tree again.

    Raises:
        UserError: for a config that can't be run, or an output tree of another run.
    """

    def __init__(
        self,
        listing: Listing,
        store: Store,
        making: Making,
        afresh: bool,
        record: RunRecord | None = None,
    ) -> None:
        self._listing, self._config, self._store = listing, listing.config, store
        config = self._config
        classifier = load_model(config.model, **config.model_settings())
        for note in classifier.notes:
            making.note(note)
        targets = read_targets(config.target, classifier)
        against = read_baselines(config, classifier)
        self._scan = scan_of(config, classifier, store, making)
        background = self._scan.background.sha256 if self._scan else None
        total, base = listing.total, listing.base
        self._wanted = Wanted(config, classifier, targets, total, base, against, background)
        if record is None and not afresh:
            known = known_run(store, self._wanted)
            record = known and known[1]
        asked = served(config, classifier, making.note)
        self._ensemble = self._traced([one.look for one in asked], record)
        self._looks = named_looks(asked, self._ensemble.seen)
        for why in (why_unsmoothed, why_approximate):
            for note in why(self._ensemble):
                making.note(note)
        for note in why_no_errors(self._ensemble, config):
            making.note(note)
        self.closing = last_words(self._ensemble)

    def differences(self, record: RunRecord) -> list[str]:
        """What sets this apart from the run that settled a record: model, target file and such."""
        return differences(self._wanted, without_secrets(asdict(self._config)), record)

    def _traced(self, looks: list[Look], record: RunRecord | None) -> Ensemble:
        config, classifier = self._config, self._wanted.classifier
        self._frozen = worth_freezing(looks, classifier.input_shape, self._wanted.total, record)
        return Ensemble(
            classifier.model,
            classifier.input_shape,
            looks,
            self._wanted.targets.classes,
            self._wanted.against.baselines,
            self._scan,
            examples_of(
                lambda: iter(self._listing), self._wanted.total, classifier, config.max_pixels
            ),
            config.tolerance,
            output_name=classifier.output_name,
            frozen=self._frozen,
            precision=config.precision,
            jit=config.jit,
        )

    def settle(self) -> RunRecord:
        """The record to go on with; for the holder of the output tree's lock."""
        known = known_run(self._store, self._wanted)
        record = settled(self._wanted, known, self._ensemble, self._frozen)
        save(self._store, self._scan)
        return record

    def explain(
        self,
        tasks: Iterable[list[Task]],
        record: RunRecord,
        stop: Stop,
        on_smaller: OnSmaller,
        part: int = 0,
        shard: int | None = None,
    ) -> Generator[list[Written], None, None]:
        """Reads, explains and writes images; their rows are yielded once their files are there.

        Args:
            tasks: drawn lazily.
            record: as settled.
            stop: ends it early.
            on_smaller: told the record to go on with when the device had no memory for B.
            part: of the manifest that the rows are for.
            shard: the number of the first shard of the tar layout; None: the next one.
        """
        config, wanted = self._config, self._wanted

        def smaller(batch_size: int, layout: Layout) -> None:
            on_smaller(replace(record, batch_size=batch_size, images_per_step=layout.images))

        layout = self._ensemble.lay_out(record.batch_size, record.images_per_step)
        explain = StreamExplainer(self._ensemble, record.batch_size, layout, stop, smaller)
        near = self._listing.near, self._store.near
        pace = pace_of(*near, layout.images)
        if not all(near):
            let_requests_step_back()
        read = Reader(wanted.classifier, wanted.targets, config.max_pixels)
        tree, packed = layout_of(config.layout, self._store, part, config.shard_size, shard)
        write = ImageWriter(config, wanted.classifier, wanted.targets, self._looks, tree)
        with (
            closing(ordered_map(read, tasks, pace.reading, pace.ahead)) as loaded,
            closing(explain(itertools.chain.from_iterable(loaded))) as explained,
            closing(ordered_map(write, explained, pace.writing, pace.ahead)) as written,
            closing(batches(packed(written), pace.seconds)) as recordable,
        ):
            yield from recordable
