"""Conducts one evaluation of an output tree: read → score → measure → record; resumable."""

import contextlib
import hashlib
import itertools
from collections import Counter
from collections.abc import Generator, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

from sgcampp.engine.device import GaveUp
from sgcampp.errors import UserError
from sgcampp.evaluation.explaining_again import Recipe, recipe_of
from sgcampp.evaluation.extras import made_for, must_explain
from sgcampp.evaluation.measurer import GROUP, Measurer
from sgcampp.evaluation.opening import (
    Options,
    annotations_of,
    contents_of,
    identity,
    same_model,
)
from sgcampp.evaluation.preparing import Preparer
from sgcampp.evaluation.presets import chosen_metrics
from sgcampp.evaluation.reference_maps import ImageTask
from sgcampp.evaluation.request import DIRECTORY, Request, check_numbers, settle_request
from sgcampp.evaluation.rows import FAILED, EvaluationRow, from_line, to_line
from sgcampp.metrics.catalogue import REFERENCES
from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.references import partners
from sgcampp.run.stop import Stop
from sgcampp.run.threads import ordered_map
from sgcampp.storage.location import Named
from sgcampp.tree.index import ManifestIndex
from sgcampp.tree.lock import locked, settling
from sgcampp.tree.manifest import part_names, scan
from sgcampp.tree.open_tree import open_tree

AHEAD, THREADS = 6, 2


class Listener(Protocol):
    """Whoever hears how an evaluation goes."""

    def note(self, sentence: str) -> None:
        """Something to know, said once."""

    def start(self, images: int) -> None:
        """So many images are to be evaluated, those done before included."""

    def finish(self, images: int) -> None:
        """So many more images are done."""


@dataclass(frozen=True)
class Cost:
    """What an evaluation takes.

    Attributes:
        images: how many there are.
        maps: of them, reference maps aside.
        passes: images that are scored.
        explained: passes of explanations made again; each has a gradient too.
        seconds: at today's speed, sparse systems of imputed images included.
    """

    images: int
    maps: int
    passes: int
    explained: int
    seconds: float


class Evaluation:
    """An output tree, its model and what is measured, ready to run.

    Raises:
        UserError: for a tree, a model, boxes or settings that can't be evaluated.
    """

    def __init__(self, out: Named, options: Options) -> None:
        check_numbers(options.steps, options.seed, options.limit, list(options.fill))
        self.tree, self._options = open_tree(out), options
        if self.tree.is_locked():
            raise UserError(
                f"a run is writing to {self.tree.store.shown()}: evaluate it when that has ended"
            )
        self._classifier = same_model(self.tree)
        annotations = annotations_of(options, self._classifier)
        self._metrics = chosen_metrics(options.preset, options.metrics, annotations is not None)
        self._contents = contents_of(self.tree, options.limit)
        self._keys = self._contents.keys
        self.base = options.against or "grad_cam_pp"
        self.request = self._request()
        self._prepare = Preparer(self.tree, self._classifier, self.request, annotations)
        references = self._contents.places * len(self.request.references)
        self._measure = Measurer(
            self._classifier,
            self.request,
            len(self._keys),
            self._contents.maps + references,
            max(self.tree.record.batch_size, 16),
            str(self.tree.values.get("precision") or "float32"),
            self._recipe(),
        )

    def cost(self) -> Cost:
        """What it takes, at most: maps that are the same are scored once."""
        measure = self._measure
        passes = measure.passes, measure.explained
        return Cost(len(self._keys), self._contents.maps, *passes, measure.seconds())

    def run(self, listener: Listener, stop: Stop) -> bool:
        """Evaluates what is left; whether it was interrupted.

        Raises:
            UserError: if the tree holds another evaluation, or another process evaluates it.
            RunStopped: when the device has no memory even for one image.
        """
        i, shards = self._options.shard
        part = 0 if shards == 1 else i
        store = self.tree.store
        with locked(store, part, DIRECTORY) as killed:
            if killed:
                store.remove_leftovers(DIRECTORY, part or None)
            with settling(store, DIRECTORY):
                settle_request(store, self.request)
            mine = self._keys[i - 1 :: shards]
            done = self._done()
            listener.start(len(mine))
            listener.finish(sum(key in done for key in mine))
            left = [key for key in mine if key not in done]
            with store.append(f"{DIRECTORY}/part-{part:05d}.jsonl") as appender:
                for rows in self._evaluated_images(left, stop, listener):
                    whole = [replace(row, of_image=len(rows)) for row in rows]
                    appender.append(b"".join(map(to_line, whole)))
                    listener.finish(1)
        return stop.requested

    def rows(self) -> list[EvaluationRow]:
        """The rows that hold, of all shards; UserError at a line that is none."""
        store = self.tree.store
        holding: dict[tuple, EvaluationRow] = {}
        for name in part_names(store, DIRECTORY):
            for _, row in scan(store, name, from_line):
                map_ = row.key, row.series, row.target
                if map_ not in holding or row.finished >= holding[map_].finished:
                    holding[map_] = row
        return list(holding.values())

    def _done(self) -> set[str]:
        """The images all of whose rows are there; a kill may have torn off the last ones."""
        rows = self.rows()
        counts = Counter((row.key, row.of_image) for row in rows)
        whole = {key for (key, of_image), count in counts.items() if count == of_image}
        if self._options.retry_failed:
            whole -= {row.key for row in rows if row.status == FAILED}
        return whole

    def _recipe(self) -> Recipe | None:
        """How the maps were made, if any must be made again."""
        if not must_explain(self._metrics):
            return None
        contents = self._contents
        return recipe_of(self.tree, contents.series, contents.targets, self._classifier)

    def _request(self) -> Request:
        options = self._options
        digest = hashlib.sha256("\n".join(self._keys).encode("utf-8", "surrogatepass"))
        parameters = {m.name: dict(m.parameters) for m in self._metrics if m.parameters}
        return Request(
            metrics=[metric.name for metric in self._metrics],
            parameters=parameters,
            made=made_for(self._metrics),
            steps=options.steps,
            fill=list(options.fill),
            seed=options.seed,
            base=self.base,
            references=list(REFERENCES),
            limit=options.limit,
            boxes=identity(options.boxes),
            classes=identity(options.classes),
            images_sha256=digest.hexdigest(),
            model_fingerprint=self._classifier.fingerprint,
        )

    def _tasks(self, left: Sequence[str], index: ManifestIndex, stop: Stop) -> Iterator[ImageTask]:
        try:
            found = partners(self._contents.classes, seed=self.request.seed)
            of = dict(zip(self._keys, found, strict=True))
        except Undefined:  # one image alone has no partner
            of = {}
        for key in left:
            if stop.requested:
                return
            row = index.row(key)
            if row is not None:
                yield ImageTask(row, index.row(self._keys[of[key]]) if key in of else None)

    def _evaluated_images(
        self, left: Sequence[str], stop: Stop, listener: Listener
    ) -> Generator[list[EvaluationRow], None, None]:
        """The rows of each image, in the order of `left`."""
        with self.tree.index() as index:
            tasks = ([task] for task in self._tasks(left, index, stop))
            with contextlib.closing(ordered_map(self._prepare, tasks, THREADS, AHEAD)) as read:
                prepared = itertools.chain.from_iterable(read)
                while group := list(itertools.islice(prepared, GROUP)):
                    try:
                        yield from self._measure(group, stop.overdue, listener.note)
                    except GaveUp:
                        return
