"""The table's rows as the bytes of a file: CSV, JSON lines or Parquet."""

import csv
import io
import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import islice

from sgcampp.errors import UserError
from sgcampp.export.columns import Column, Value

Rows = Iterable[Sequence[Value]]
Encode = Callable[[Sequence[Column], Rows], Iterator[bytes]]

_ROWS_AT_ONCE = 10_000


def to_csv(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """A header, then a line a row, in UTF-8; nothing for a missing value, true and false."""
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow([column.name for column in columns])
    yield text.getvalue().encode("ascii")
    flags = [at for at, column in enumerate(columns) if column.kind is bool]
    for batch in _batches(rows):
        for row in batch:
            for at in flags:
                row[at] = None if row[at] is None else json.dumps(row[at])
        text.seek(0)
        text.truncate()
        writer.writerows(batch)
        yield _utf8(text.getvalue())


def to_jsonl(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """An object a line, in ASCII; null for a missing value."""
    names = [column.name for column in columns]
    encode = json.JSONEncoder(allow_nan=False, separators=(",", ":")).encode
    for batch in _batches(rows):
        lines = [encode(dict(zip(names, row, strict=True))) for row in batch]
        yield "".join(f"{line}\n" for line in lines).encode("ascii")


def to_parquet(columns: Sequence[Column], rows: Rows) -> Iterator[bytes]:
    """Parquet, with statistics and Zstandard compression.

    Raises:
        UserError: if pyarrow is not there.
    """
    try:
        import pyarrow as pa
        import pyarrow.parquet as pq
    except ImportError as error:
        raise UserError(
            "Parquet needs pyarrow: pip install 'sgcampp[parquet]', or choose csv or jsonl"
        ) from error
    types = {str: pa.string(), int: pa.int64(), float: pa.float64(), bool: pa.bool_()}
    schema = pa.schema([(column.name, types[column.kind]) for column in columns])
    sink = _Sink()
    with pq.ParquetWriter(sink, schema, compression="zstd") as writer:
        for batch in _batches(rows):
            arrays = [
                pa.array(_plain(values, column.kind), types[column.kind])
                for column, values in zip(columns, zip(*batch, strict=True), strict=True)
            ]
            writer.write_table(pa.Table.from_arrays(arrays, schema=schema))
            yield sink.taken()
    yield sink.taken()


FORMATS: dict[str, Encode] = {"csv": to_csv, "parquet": to_parquet, "jsonl": to_jsonl}


class _Sink(io.RawIOBase):
    """A file that only grows, whose bytes are taken out as they come."""

    def __init__(self) -> None:
        self._data, self._end = bytearray(), 0

    def writable(self) -> bool:
        return True

    def write(self, data: bytes) -> int:  # type: ignore[override]
        view = memoryview(data)
        self._data += view
        self._end += view.nbytes
        return view.nbytes

    def tell(self) -> int:
        return self._end

    def taken(self) -> bytes:
        """What was written since the last call."""
        data, self._data = bytes(self._data), bytearray()
        return data


def _batches(rows: Rows) -> Iterator[list[list[Value]]]:
    waiting = iter(rows)
    while batch := [list(row) for row in islice(waiting, _ROWS_AT_ONCE)]:
        yield batch


def _plain(values: Sequence[Value], kind: type) -> Sequence[Value]:
    """Values as Arrow takes them: numbers of one kind, text that is UTF-8."""
    if kind is float:
        return [None if value is None else float(value) for value in values]
    if kind is str:
        return [_utf8(value).decode() if isinstance(value, str) else None for value in values]
    return values


def _utf8(text: str) -> bytes:
    r"""Text in UTF-8; bytes of names that are none, which stand as lone surrogates, as \udc80."""
    return text.encode("utf-8", "backslashreplace")
