"""Files on a local disk that appear under their name only when they are whole."""

import os
import re
import secrets
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

_TEMPORARY = re.compile(r"\.sgcampp-(\d{5})-[0-9a-f]{16}\.tmp")


def write_atomically(
    path: str | os.PathLike[str], data: bytes | Iterable[bytes], writer: int = 0
) -> None:
    """Writes a file that appears under its name only when it is whole and on the disk.

    Args:
        path: the file to make or replace; missing directories are made.
        data: its content, whole or in pieces.
        writer: number of the writing process, for the temporary file's name.

    Raises:
        OSError: when the file system refuses; then nothing has changed under the name, and the
            temporary file is gone.
    """
    with whole_file(path, writer) as file:
        file.writelines([data] if isinstance(data, bytes) else data)


@contextmanager
def whole_file(path: str | os.PathLike[str], writer: int = 0) -> Iterator[BinaryIO]:
    """Opens a file to write that appears under its name when it is left without error.

    Args:
        path: as for `write_atomically`, as are `writer` and what is raised.
        writer: likewise.
    """
    path = Path(path)
    # A name of its own: the final one may have the full length that is allowed already.
    temporary = path.parent / f".sgcampp-{writer:05d}-{secrets.token_hex(8)}.tmp"
    try:
        with _opened(temporary) as file:
            yield file
            file.flush()
            os.fsync(file.fileno())
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _opened(path: Path) -> BinaryIO:
    try:
        return path.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        return path.open("xb")


def temporaries(top: Path, writer: int | None) -> Iterator[Path]:
    """Temporary files below a directory: of one writer, or of all."""
    for directory, _, names in os.walk(top):
        for name in names:
            match = _TEMPORARY.fullmatch(name)
            if match and writer in (None, int(match[1])):
                yield Path(directory, name)
