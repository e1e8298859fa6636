"""A store elsewhere, by way of fsspec: S3, Google Cloud, Azure and whatever else it knows."""

import errno
import re
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import TYPE_CHECKING, Any, BinaryIO, cast

from sgcampp.errors import UserError
from sgcampp.storage.asking import asked
from sgcampp.storage.growing import Grower, read_grown
from sgcampp.storage.lease import Lease, Renewal
from sgcampp.storage.store import UNKNOWN, Content, Entry, Held, Stat, TooLarge
from sgcampp.storage.urls import redacted

if TYPE_CHECKING:
    from fsspec import AbstractFileSystem

_BLOCK = 1 << 18
"""Bytes that a file read from any place asks for at least."""
_PIECE = 1 << 22

_MARK = "\ufffd"
_UNSPEAKABLE = re.compile("[\x01-\x1f\x7f\udc80-\udcff]")
_MARKED = re.compile(f"{_MARK}([01][0-9a-f]|7f|[89a-f][0-9a-f])")

EXTRAS = {
    **dict.fromkeys(("s3", "s3a"), "s3"),
    **dict.fromkeys(("gs", "gcs"), "gcs"),
    **dict.fromkeys(("az", "abfs", "abfss", "adl"), "azure"),
    **dict.fromkeys(("http", "https"), "http"),
}
"""The extra that brings the file system of a scheme."""
CREATE_IF_ABSENT = {"s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "memory"}
"""Where a file can be made on condition that there is none, for all who ask at once."""


def opened(url: str) -> tuple["AbstractFileSystem", str]:
    """The file system of a URL, and the path in it.

    Raises:
        UserError: for a scheme that is not known, or whose package is not there.
    """
    scheme = url.partition(":")[0]
    try:
        from fsspec.core import url_to_fs

        # Its listings are those of the moment: other processes write there too.
        system, path = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        known = scheme in EXTRAS
        cure = f"pip install 'sgcampp[{EXTRAS[scheme]}]'" if known else redacted(str(error))
        raise UserError(f"{redacted(url)} needs a package that is not there: {cure}") from error
    except ValueError as error:
        raise UserError(f"{redacted(url)}: {redacted(str(error))}") from error
    return system, path.rstrip("/")


class RemoteStore:
    """A directory elsewhere; see `store.Store` for the verbs.

    Args:
        system: of fsspec.
        root: path in it; "" for all of it, by the paths that fsspec has.
    """

    near = False

    def __init__(self, system: "AbstractFileSystem", root: str = "") -> None:
        self._fs, self._root = system, root
        self.leases: list[Renewal] = []
        schemes = [system.protocol] if isinstance(system.protocol, str) else system.protocol
        self.guarded = not CREATE_IF_ABSENT.isdisjoint(schemes)

    def _path(self, name: str) -> str:
        name = _spelled(name)
        return f"{self._root}/{name}" if name and self._root else name or self._root

    def shown(self, name: str = "") -> str:
        """See `Store`."""
        return redacted(self._fs.unstrip_protocol(self._path(name)))

    def list(self, directory: str) -> Iterator[Entry]:
        """See `Store`."""
        path = self._path(directory)
        try:
            infos = asked(self._fs.ls, path, detail=True)
        except FileNotFoundError:
            if directory:
                raise
            return  # where nothing was written yet
        own = _plain(path)
        for info in infos:
            found = _plain(info["name"])
            if found == own and info["type"] != "directory":
                raise NotADirectoryError(errno.ENOTDIR, "is a file", self.shown(directory))
            name = found[len(own) :].lstrip("/") if found.startswith(f"{own}/") else ""
            if name:
                is_directory = info["type"] == "directory"
                yield Entry(_read(name), is_directory, None if is_directory else _facts(info))

    def stat(self, name: str) -> Stat:
        """See `Store`."""
        return _facts(self._info(name))

    def is_directory(self, name: str) -> bool:
        """See `Store`."""
        return self._info(name)["type"] == "directory"

    def exists(self, name: str) -> bool:
        """See `Store`."""
        try:
            self._info(name)
        except FileNotFoundError:
            return False
        return True

    def _info(self, name: str) -> dict[str, Any]:
        return asked(self._fs.info, self._path(name))

    def read(self, name: str, most: int | None = None, known: Stat | None = None) -> Content:
        """See `Store`."""
        if known is None:
            info = self._info(name)
            if info["type"] == "directory":
                raise IsADirectoryError(errno.EISDIR, "is a directory", self.shown(name))
            known = _facts(info)
        if most is not None and known.size > most:
            raise TooLarge(known.size)
        if known.size == UNKNOWN:  # some web servers do not tell
            data = asked(self._fs.cat_file, self._path(name))
            return Content(data, known._replace(size=len(data)))
        # One byte more than there should be would tell that the file has grown.
        data = self.read_range(name, 0, known.size + 1) if known.size else b""
        if len(data) != known.size:
            raise OSError(errno.ESTALE, "its size changed while it was read")
        return Content(data, known)

    def read_range(self, name: str, start: int, size: int) -> bytes:
        """See `Store`."""
        return asked(self._fs.cat_file, self._path(name), start=start, end=start + size)

    def open(self, name: str) -> BinaryIO:
        """See `Store`."""
        options = {"block_size": _BLOCK, "cache_type": "readahead"}
        return asked(self._fs.open, self._path(name), "rb", **options)

    def open_own(self, name: str) -> BinaryIO:
        """See `Store`: a copy on this machine, since its lines are read here and there."""
        copy = cast(BinaryIO, tempfile.TemporaryFile())  # noqa: SIM115 - the caller closes it
        try:
            copy.writelines(read_grown(self, name))
        except BaseException:
            copy.close()
            raise
        copy.seek(0)
        return copy

    def write(self, name: str, data: bytes | Iterable[bytes]) -> None:
        """See `Store`; LeaseLost if another process took over a lock of this one."""
        if not isinstance(data, bytes):
            with self.create(name) as file:
                file.writelines(data)
            return
        for lease in self.leases:
            lease.check()
        self.put(name, data)

    def put(self, name: str, data: bytes) -> None:
        """Writes a small file, whatever has become of the locks."""
        asked(self._fs.pipe_file, self._path(name), data)

    @contextmanager
    def create(self, name: str) -> Iterator[BinaryIO]:
        """See `Store`: written on this machine, sent when it is whole."""
        with tempfile.NamedTemporaryFile() as file:
            yield cast(BinaryIO, file)
            file.flush()
            for lease in self.leases:
                lease.check()
            asked(self._fs.put_file, file.name, self._path(name))

    def create_if_absent(self, name: str, data: bytes) -> bool:
        """Makes a small file unless there is one; whether it did."""
        try:
            asked(self._fs.pipe_file, self._path(name), data, mode="create")
        except FileExistsError:
            return False
        return True

    @contextmanager
    def append(self, name: str) -> Iterator[Grower]:
        """See `Store`."""
        grower = Grower(self, name)
        yield grower
        grower.join()

    def remove(self, name: str) -> None:
        """See `Store`; directories are but what their files' names have in common."""
        try:
            asked(self._fs.rm_file, self._path(name))
        except (FileNotFoundError, IsADirectoryError):
            return

    def remove_leftovers(self, directory: str, writer: int | None = None) -> int:
        """See `Store`: files elsewhere are whole or not there."""
        return 0

    def lock(
        self, name: str, *, shared: bool = False, wait: bool = False, make: bool = True
    ) -> AbstractContextManager[Held]:
        """See `Store`."""
        return Lease(self, name, shared=shared, wait=wait, make=make).held()


def _plain(path: str) -> str:
    return path.strip("/")


def _spelled(name: str) -> str:
    """A name as stores take it: control characters, and bytes that are not UTF-8, marked."""
    if name.isascii() and name.isprintable():
        return name
    return _UNSPEAKABLE.sub(lambda found: f"{_MARK}{ord(found[0]) & 0xFF:02x}", name)


def _read(spelled: str) -> str:
    """What `_spelled` was given."""
    return spelled if spelled.isascii() else _MARKED.sub(_unmarked, spelled)


def _unmarked(found: re.Match[str]) -> str:
    code = int(found[1], 16)
    return chr(code if code < 0x80 else 0xDC00 + code)


def _facts(info: dict[str, Any]) -> Stat:
    times = (info.get(key) for key in ("LastModified", "last_modified", "mtime", "updated"))
    changed = next((time for time in times if time), info.get("created"))
    if isinstance(changed, str):
        changed = datetime.fromisoformat(changed.replace("Z", "+00:00"))
    seconds = changed.timestamp() if isinstance(changed, datetime) else float(changed or 0)
    size = info.get("size")
    return Stat(UNKNOWN if size is None else int(size), int(seconds * 1e9), info["name"])
