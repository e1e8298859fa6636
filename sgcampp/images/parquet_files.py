"""Images in Parquet files, as Hugging Face's datasets have them: a column of {bytes, path}."""

import json
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from sgcampp.errors import UserError
from sgcampp.images.faults import ImageError, Reason, from_os_error
from sgcampp.images.items import Found, Names, is_plain
from sgcampp.images.tar_files import REST
from sgcampp.storage.location import Location
from sgcampp.storage.store import UNKNOWN, Content, Stat, TooLarge, Unreachable

if TYPE_CHECKING:
    import pyarrow as pa
    import pyarrow.parquet as pq

LABELS = ("label", "class")
_ROWS_LISTED, _ROWS_READ = 1024, 8
_KEPT_ROWS, _KEPT_BYTES = 256, 1 << 27


def parquet_items(file: Location, accepts: Callable[[str], bool]) -> Iterator[Found]:
    """Lists the images of a Parquet file, row by row.

    An image is called by its `path`, if that is plain and stands there for the first time; else
    the number of its row tells it apart. Its label is what a column `label` or `class` has, by
    name if the dataset tells the names of its classes.

    Args:
        file: with a column `image`: a struct with `bytes` and perhaps `path`, or bytes.
        accepts: whether an image of that name is listed.

    Raises:
        UserError: if it is no such file, or pyarrow is not there.
    """
    names = Names()
    cells = _Cells(file)
    try:
        for row, (path, label) in enumerate(cells.listed()):
            name = _name(names, row, path)
            if accepts(name):
                yield Found(name, Cell(cells, row), label=label)
    except Unreachable as error:
        yield Found(REST, error=from_os_error(error))
    except _damage() as error:
        message = f"the Parquet file is damaged, what follows here is lost: {error}"
        yield Found(REST, error=ImageError(Reason.CORRUPT, message[:300]))


@dataclass(frozen=True, eq=False)
class Cell:
    """The image of a row; see `items.Place`."""

    cells: "_Cells"
    row: int

    @property
    def near(self) -> bool:
        """See `Place`: the rows around it would be read again too."""
        return False

    def read(self, most: int | None = None) -> Content:
        """See `Place`."""
        data = self.cells.read(self.row)
        if data is None:
            raise ImageError(Reason.EMPTY, "its row has no bytes, they are null")
        if most is not None and len(data) > most:
            raise TooLarge(len(data))
        return Content(data, self.look()._replace(size=len(data)))

    def look(self) -> Stat:
        """See `Place`: the time is that of the file."""
        return self.cells.facts


class _Cells:
    """A Parquet file's column of images; rows are read in order, and some of them kept."""

    def __init__(self, file: Location) -> None:
        self._file = file
        self._parquet = _opened(file)
        facts = file.look() or file.store.stat(file.name)
        self.facts = facts._replace(size=UNKNOWN)
        schema = self._parquet.schema_arrow
        self._bytes, self._path = _columns(schema, file)
        self._label = next((name for name in LABELS if name in schema.names), None)
        self._classes = _class_names(schema, self._label)
        self._lock = threading.Lock()
        self._kept: OrderedDict[int, bytes | None] = OrderedDict()
        self._rows: Iterator[bytes | None] = iter(())
        self._group, self._next = -1, -1

    def __reduce__(self) -> tuple[type["_Cells"], tuple[Location]]:
        return _Cells, (self._file,)  # in another process it is opened anew

    def listed(self) -> Iterator[tuple[str | None, str | None]]:
        """(path, label) of each row."""
        columns = [name for name in (self._path, self._label) if name]
        if not columns:
            yield from ((None, None) for _ in range(self._parquet.metadata.num_rows))
            return
        for batch in _opened(self._file).iter_batches(_ROWS_LISTED, columns=columns):
            paths: list[str | None] = [None] * batch.num_rows
            labels: list[str | None] = [None] * batch.num_rows
            if self._path:
                paths = [(cell or {}).get("path") for cell in batch.column("image").to_pylist()]
            if self._label:
                labels = [self._named(value) for value in batch.column(self._label).to_pylist()]
            yield from zip(paths, labels, strict=True)

    def _named(self, label: Any) -> str | None:
        if isinstance(label, int) and 0 <= label < len(self._classes):
            return self._classes[label]
        return None if label is None else str(label)

    def read(self, row: int) -> bytes | None:
        """The bytes of a row's image, None for null; ImageError if they can't be read."""
        with self._lock:
            if row in self._kept:
                return self._kept[row]
            try:
                return self._read_on(row)
            except _damage() as error:
                self._group = -1
                message = f"the Parquet file is damaged here: {error}"[:300]
                raise ImageError(Reason.CORRUPT, message) from error

    def _read_on(self, row: int) -> bytes | None:
        """Reads rows from where it stands, or from the beginning of the row's group."""
        group, first = self._group_of(row)
        if group != self._group or self._next > row:
            self._rows, self._group, self._next = self._of_group(group), group, first
        while True:
            data = next(self._rows)
            self._kept[self._next] = data
            self._next += 1
            self._forget()
            if self._next > row:
                return data

    def _group_of(self, row: int) -> tuple[int, int]:
        first = 0
        for group in range(self._parquet.num_row_groups):
            rows = self._parquet.metadata.row_group(group).num_rows
            if row < first + rows:
                return group, first
            first += rows
        raise StopIteration

    def _of_group(self, group: int) -> Iterator[bytes | None]:
        batches = self._parquet.iter_batches(
            _ROWS_READ, row_groups=[group], columns=[self._bytes], use_threads=False
        )
        for batch in batches:
            for cell in batch.column("image"):
                value = cell.as_py()
                yield value.get("bytes") if isinstance(value, dict) else value

    def _forget(self) -> None:
        while len(self._kept) > 1 and (
            len(self._kept) > _KEPT_ROWS
            or sum(len(data or b"") for data in self._kept.values()) > _KEPT_BYTES
        ):
            self._kept.popitem(last=False)


def _name(names: Names, row: int, path: str | None) -> str:
    name = (path or "").removeprefix("./")
    if is_plain(name) and names.add(name):
        return name
    stem, dot, extension = name.rpartition("/")[2].rpartition(".")
    numbered = f"{row:08d}"
    if is_plain(name):
        numbered = f"{stem or extension}~{row:08d}{dot}{extension if stem else ''}".rstrip(".")
    while not names.add(numbered):
        numbered += "~"
    return numbered


def _opened(file: Location) -> "pq.ParquetFile":
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UserError(
            f"source {file.shown}: Parquet needs pyarrow: pip install 'sgcampp[parquet]'"
        ) from error
    try:
        return pq.ParquetFile(file.store.open(file.name))
    except (pa.ArrowException, OSError) as error:
        raise UserError(f"source {file.shown}: can't be read: {error}"[:400]) from error


def _columns(schema: "pa.Schema", file: Location) -> tuple[str, str | None]:
    """The columns to read for bytes and paths, as Parquet calls them."""
    import pyarrow as pa

    kind = schema.field("image").type if "image" in schema.names else pa.null()
    if pa.types.is_binary(kind) or pa.types.is_large_binary(kind):
        return "image", None
    parts = range(kind.num_fields) if pa.types.is_struct(kind) else ()
    inner = {kind.field(part).name for part in parts}
    if "bytes" not in inner:
        raise UserError(
            f"source {file.shown}: has no column `image` of bytes, or of bytes and path, as "
            f"datasets of images have it; its columns are {', '.join(schema.names)}"
        )
    return "image.bytes", "image.path" if "path" in inner else None


def _class_names(schema: "pa.Schema", label: str | None) -> list[str]:
    """The names of a label's values, if the dataset tells them."""
    try:
        features = json.loads((schema.metadata or {})[b"huggingface"])["info"]["features"]
        names = features[label]["names"]
    except (KeyError, TypeError, ValueError):
        return []
    return [str(name) for name in names] if isinstance(names, list) else []


def _damage() -> tuple[type[BaseException], ...]:
    """What Arrow says of files that are not as they say; OSError is its ArrowIOError too."""
    import pyarrow as pa

    return pa.ArrowException, OSError, MemoryError, StopIteration
