"""The tar layout of an output tree: images wait until their shard is whole, then have their rows.

A shard is written beside while it fills. When it has its images it appears under its name, in a
thread, while the next one fills; only then are its rows handed on. A run that was killed in between
leaves whole shards without rows in the manifest: these are read out of them.
"""

import io
import itertools
import re
import tarfile
import threading
from collections import defaultdict
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import suppress
from dataclasses import replace

from sgcampp.errors import RunStopped
from sgcampp.run.recording import Written
from sgcampp.storage.store import Store
from sgcampp.tree.lock import WHOLE
from sgcampp.tree.manifest import part_names
from sgcampp.tree.paths import check_suffixes
from sgcampp.tree.rows import OK, MapRow, Row, from_line, to_line
from sgcampp.tree.shards import SHARDS, TreeFiles, member_name, shard_name, shards_in
from sgcampp.tree.tree_writer import FileWriter, TreeWriter

Files = list[tuple[str, bytes]]

_ROW = re.compile(r"(.*/)?[^./]*\.json", re.DOTALL)
"""The name of a member that is an image's row."""
_SHARD = re.compile(rb'"(%s/[0-9-]+\.tar)/' % SHARDS.encode())
"""In a row: the shard that its files are in."""


class Packer:
    """Collects the files of images (see `tree_writer.TreeWriter`), and puts them in shards.

    Args:
        store: the output tree.
        part: of the manifest that the run writes.
        size: images in a shard, at most.
        number: of the first shard.
    """

    def __init__(self, store: Store, part: int, size: int, number: int) -> None:
        self._store, self._part, self._size = store, part, size
        self._waiting: defaultdict[str, Files] = defaultdict(list)
        self._lock = threading.Lock()
        self._number = number

    def write(
        self, key: str, kind: str, extension: str, suffixes: Sequence[str], data: bytes
    ) -> str:
        """See `TreeWriter`; the path is that below the shard until the image is packed."""
        check_suffixes(suffixes)
        name = member_name(key, *suffixes, f"{kind}{extension}")
        with self._lock:
            self._waiting[key].append((name, data))
        return name

    def __call__(self, groups: Iterable[list[Written]]) -> Generator[list[Written], None, None]:
        """Packs images in their order, and hands rows on when their files are there."""
        shard: _Shard | None = None
        ended: Future[list[Written]] | None = None
        with ThreadPoolExecutor(1) as pool:
            try:
                for one in itertools.chain.from_iterable(groups):
                    files = self._taken(one.row.key)
                    if not one.fresh or one.row.status != OK:
                        yield [one]
                        continue
                    shard = shard or self._new_shard()
                    shard.add(one, files)
                    if len(shard.images) >= self._size:
                        if ended:
                            yield ended.result()
                        ended, shard = pool.submit(shard.end), None
                if ended:
                    yield ended.result()
                if shard:
                    last, shard = shard, None
                    yield last.end()
            finally:
                if shard:
                    shard.abandon()

    def _taken(self, key: str) -> Files:
        with self._lock:
            return self._waiting.pop(key, [])

    def _new_shard(self) -> "_Shard":
        self._number += 1
        return _Shard(self._store, shard_name(self._part, self._number - 1))


class _Abandoned(Exception):
    """The run ended before the shard was whole."""


class _Shard:
    """One shard on its way."""

    def __init__(self, store: Store, name: str) -> None:
        self.images: list[Written] = []
        self._name = name
        self._created = store.create(name)
        self._archive = tarfile.open(  # noqa: SIM115 - closed by `end`
            fileobj=self._created.__enter__(),
            mode="w",
            format=tarfile.PAX_FORMAT,
            encoding="utf-8",
            errors="surrogateescape",
        )

    def add(self, one: Written, files: Files) -> None:
        """Adds an image: its files, then its row."""
        row = _below(one.row, self._name)
        for name, data in [*files, (member_name(row.key, "json"), to_line(row))]:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            self._archive.addfile(info, io.BytesIO(data))
        self._archive.members.clear()  # type: ignore[attr-defined]
        self.images.append(replace(one, row=row))

    def end(self) -> list[Written]:
        """Makes it appear; its images."""
        self._archive.close()
        self._created.__exit__(None, None, None)
        return self.images

    def abandon(self) -> None:
        """Leaves nothing of it."""
        with suppress(_Abandoned):
            self._created.__exit__(_Abandoned, _Abandoned(), None)


def _below(row: Row, shard: str) -> Row:
    """The row with the paths of its files."""

    def moved(files: dict[str, str]) -> dict[str, str]:
        return {kind: f"{shard}/{name}" for kind, name in files.items()}

    def of_map(map_row: MapRow) -> MapRow:
        return replace(map_row, files=moved(map_row.files))

    return replace(row, files=moved(row.files), maps=list(map(of_map, row.maps)))


def next_number(store: Store, part: int) -> int:
    """The number of the next shard of a part."""
    return 1 + max(_numbers(shards_in(store), part), default=-1)


def _numbers(shards: Iterable[str], part: int) -> Iterator[int]:
    """The numbers of a part's shards."""
    for number, name in ((shard.rpartition("/")[2][:-4], shard) for shard in shards):
        last = number.rpartition("-")[2]
        if last.isdecimal() and shard_name(part, int(last)) == name:
            yield int(last)


def orphans(store: Store, part: int) -> list[Row]:
    """The rows of whole shards whose run was killed before it recorded them.

    For the holder of the part's lock.

    Args:
        store: the output tree.
        part: whose shards; WHOLE: everybody's.

    Raises:
        RunStopped: for a shard that can't be read.
    """
    of_part = "" if part == WHOLE else f"{SHARDS}/{part:05d}-"
    shards = [shard for shard in shards_in(store) if shard.startswith(of_part)]
    recorded = _recorded(store) if shards else set()
    unrecorded = (shard for shard in shards if shard.encode() not in recorded)
    return [row for shard in unrecorded for row in _rows_in(store, shard)]


def _recorded(store: Store) -> set[bytes]:
    """The shards that the manifest's rows name."""
    found: set[bytes] = set()
    for part in part_names(store):
        with store.open_own(part) as file:
            found.update(match[1] for line in file if (match := _SHARD.search(line)))
    return found


def _rows_in(store: Store, shard: str) -> list[Row]:
    files = TreeFiles(store)
    try:
        names = [name for name in files.table(shard) if _ROW.fullmatch(name)]
        return [from_line(files.read(f"{shard}/{name}")) for name in names]
    except (OSError, ValueError) as error:
        raise RunStopped(f"{store.shown(shard)} can't be read: {error}; remove it") from error


def layout_of(
    layout: str, store: Store, part: int, size: int, number: int | None = None
) -> tuple[TreeWriter, Callable[[Iterable[list[Written]]], Iterator[list[Written]]]]:
    """How files get into an output tree, and what holds its rows back until they are there.

    Args:
        layout: "files" or "tar".
        store: the output tree.
        part: of the manifest that the run writes.
        size: images in a shard, at most.
        number: of the first shard; None: the next one.
    """
    if layout == "files":
        return FileWriter(store), iter
    packer = Packer(store, part, size, next_number(store, part) if number is None else number)
    return packer, packer
