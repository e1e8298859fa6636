"""Conducts one evaluation of an output tree: read → score → measure → record; resumable."""

import contextlib
import hashlib
import itertools
import math
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import Protocol, TypeVar

from sgcampp.engine.device import GaveUp
from sgcampp.engine.settings import AUTO_BATCH_SIZE
from sgcampp.errors import UserError
from sgcampp.evaluation.explaining_again import Recipe, recipe_of
from sgcampp.evaluation.extras import made_for, must_explain
from sgcampp.evaluation.measurer import GROUP, Measurer
from sgcampp.evaluation.opening import (
    Options,
    annotations_of,
    check_against,
    check_options,
    contents_of,
    identity,
    same_model,
)
from sgcampp.evaluation.preparing import PreparedImage, Preparer
from sgcampp.evaluation.presets import chosen_metrics
from sgcampp.evaluation.reference_maps import ImageTask
from sgcampp.evaluation.request import DIRECTORY, Request, is_there, settle_request
from sgcampp.evaluation.rows import EvaluationRow, to_line
from sgcampp.evaluation.stored_rows import done_images, stored_rows
from sgcampp.metrics.catalogue import REFERENCES
from sgcampp.metrics.metric import Undefined
from sgcampp.metrics.references import partners
from sgcampp.run.stop import Stop
from sgcampp.run.threads import ordered_map
from sgcampp.storage.location import Named
from sgcampp.tree.index import ManifestIndex
from sgcampp.tree.lock import locked, settling
from sgcampp.tree.open_tree import open_tree

AHEAD, THREADS = 6, 2

Item = TypeVar("Item")
Result = TypeVar("Result")


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
        check_options(options)
        self.tree, self._options = open_tree(out), options
        if self.tree.is_locked():
            raise UserError(
                f"a run is writing to {self.tree.store.shown()}: evaluate it when that has ended"
            )
        self._classifier = same_model(self.tree)
        annotations = annotations_of(options, self._classifier)
        self._metrics = chosen_metrics(options.preset, options.metrics, annotations is not None)
        self._contents = contents_of(self.tree, options.limit)
        check_against(options.against, self._contents)
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
            self.request.batch_size,
            str(self.tree.values.get("precision") or "float32"),
            self._recipe(),
        )

    def cost(self) -> Cost:
        """What is left to do takes, at most: maps that are the same are scored once.

        Raises:
            UserError: if the tree holds another evaluation.
        """
        is_there(self.tree.store, self.request)
        left, measure = len(self._left()), self._measure
        share = left / len(self._keys)
        return Cost(
            images=left,
            maps=math.ceil(share * self._contents.maps),
            passes=math.ceil(share * measure.passes),
            explained=math.ceil(share * measure.explained),
            seconds=share * measure.seconds() if left else 0.0,
        )

    def run(self, listener: Listener, stop: Stop) -> bool:
        """Evaluates what is left; whether it was interrupted.

        Raises:
            UserError: if the tree holds another evaluation, or another process evaluates it.
            RunStopped: when the device has no memory even for one image.
        """
        i, shards = self._options.shard
        part = 0 if shards == 1 else i
        mine = self._keys[i - 1 :: shards]
        store = self.tree.store
        with locked(store, part, DIRECTORY) as killed:
            if killed:
                store.remove_leftovers(DIRECTORY, part or None)
            with settling(store, DIRECTORY):
                settle_request(store, self.request)
            left = self._left()
            listener.start(len(mine))
            listener.finish(len(mine) - len(left))
            with store.append(f"{DIRECTORY}/part-{part:05d}.jsonl") as appender:
                for rows in self._evaluated_images(left, stop, listener):
                    whole = [replace(row, of_image=len(rows)) for row in rows]
                    appender.append(b"".join(map(to_line, whole)))
                    listener.finish(1)
        return stop.requested

    def rows(self) -> Iterator[EvaluationRow]:
        """The rows of all shards, see `stored_rows`."""
        return stored_rows(self.tree.store)

    def _left(self) -> list[str]:
        """The images of this shard that are not done."""
        i, shards = self._options.shard
        done = done_images(self.tree.store, self._options.retry_failed)
        return [key for key in self._keys[i - 1 :: shards] if key not in done]

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
            batch_size=options.batch_size or max(self.tree.record.batch_size, AUTO_BATCH_SIZE),
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
        """The rows of each image, in the order of `left`.

        Threads prepare the next group and measure the last one while the device scores.
        """
        with self.tree.index() as index, contextlib.ExitStack() as opened:
            tasks = self._tasks(left, index, stop)
            prepared = opened.enter_context(_in_threads(self._prepare, tasks, THREADS))
            scored = self._scored(prepared, stop, listener)
            yield from opened.enter_context(_in_threads(lambda measure: measure(), scored, 1))

    def _scored(
        self,
        prepared: Iterator[PreparedImage | list[EvaluationRow]],
        stop: Stop,
        listener: Listener,
    ) -> Iterator[Callable[[], list[EvaluationRow]]]:
        """What makes the rows of each image, group by group."""
        while group := list(itertools.islice(prepared, GROUP)):
            try:
                yield from self._measure(group, stop.overdue, listener.note)
            except GaveUp:
                return


@contextlib.contextmanager
def _in_threads(
    work: Callable[[Item], Result], items: Iterable[Item], threads: int
) -> Iterator[Iterator[Result]]:
    """The results for the items, in order, as long as the context is open."""
    with contextlib.closing(ordered_map(work, ([item] for item in items), threads, AHEAD)) as found:
        yield itertools.chain.from_iterable(found)
