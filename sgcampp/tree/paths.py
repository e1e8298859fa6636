"""The output tree: where things about an image lie, and how they get there whole."""

import errno
import hashlib
import os
import re
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from sgcampp.images.faults import from_os_error
from sgcampp.images.headers import is_image_name

MANIFEST = "manifest"
PANELS = "panels"
"""The kind of file that is about an image, not about one map of it."""
KINDS = {"arrays": ".npy", "heatmaps": ".png", "overlays": ".png", PANELS: ".png"}
"""The directories of an output tree that a run fills, and the extension of the files in each."""

_LONGEST_NAME = 255  # bytes, on nearly every file system
_SUFFIX = re.compile(r"[A-Za-z0-9_-]+")
_NO_EXTENSION = "img"
_AMBIGUOUS_DIRECTORY = re.compile(r".*(\.(npy|png|dir)|~[0-9a-f]{16})", re.DOTALL)
_TEMPORARY = re.compile(r"\.sgcampp-(\d{5})-[0-9a-f]{16}\.tmp")


class OutputTree:
    """One process's view of an output directory; nothing in it grows with the files written.

    Attributes:
        root: the output directory.
        part: number of the manifest part that this process writes. It marks temporary files,
            so whoever holds a part's lock may remove what a dead owner of that part left.
    """

    def __init__(self, root: str | os.PathLike[str], part: int = 0) -> None:
        self.root = Path(root)
        self.part = part

    def manifest_part(self) -> Path:
        """Returns the path of this process's manifest part."""
        return self.root / MANIFEST / f"part-{self.part:05d}.jsonl"

    def write(self, relative: str, data: bytes) -> None:
        """Writes the file of that `relative_path` below the root, whole or not at all.

        Raises:
            ImageError: NAME_TOO_LONG, when the file system refuses the path's length.
            OSError: for anything else it refuses, which is the machine's fault.
        """
        try:
            write_atomically(self.root / relative, data, self.part)
        except OSError as error:
            if error.errno == errno.ENAMETOOLONG:
                raise from_os_error(error) from error
            raise


def relative_path(kind: str, key: str, suffixes: Sequence[str] = ()) -> str:
    """Returns the path below the output directory of one file about an image, with "/".

    `arrays/<key>[.<suffix>…].npy`: `("arrays", "a/b.jpg", ["k010"])` is `arrays/a/b.jpg.k010.npy`.
    No two (kind, key, suffixes) share a path, nor is one the directory of another:

    - a key without an image extension gets `.img` (`notes.txt` → `notes.txt.img.npy`);
    - a directory named `*.npy`, `*.png`, `*.dir` or `*~<16 hex digits>` gets `.dir`;
    - a name longer than 255 bytes is cut and closed with `~` and 16 hex digits of its SHA-256.

    Args:
        kind: of `KINDS`.
        key: relative path of the image as `find_images` gives it.
        suffixes: words of letters, digits, "_" and "-", such as the target and "k010".

    Raises:
        ValueError: for a key that is not a plain relative path, an unknown kind, or a suffix
            that could be taken for something else.
    """
    *directories, name = _parts(key)
    if not is_image_name(name):
        name = f"{name}.{_NO_EXTENSION}"
    for suffix in suffixes:
        _check_suffix(suffix)
    directories = [d + ".dir" if _AMBIGUOUS_DIRECTORY.fullmatch(d) else d for d in directories]
    name = _fitting(".".join([name, *suffixes]), KINDS[kind])
    return "/".join([kind, *(_fitting(d, "") for d in directories), name])


def _parts(key: str) -> tuple[str, ...]:
    parts = tuple(key.split("/"))
    if not all(parts) or any(part in (".", "..") or "\0" in part for part in parts):
        raise ValueError(f"key {key!r} is not a plain relative path")
    return parts


def _check_suffix(suffix: str) -> None:
    if not _SUFFIX.fullmatch(suffix) or suffix == _NO_EXTENSION or is_image_name(f"a.{suffix}"):
        raise ValueError(f"suffix {suffix!r} is not a word of its own")


def _fitting(name: str, extension: str) -> str:
    raw = os.fsencode(name)
    if len(raw) + len(extension) <= _LONGEST_NAME:
        return name + extension
    end = f"~{hashlib.sha256(raw).hexdigest()[:16]}{extension}"
    return raw[: _LONGEST_NAME - len(end)].decode("utf-8", "ignore") + end


def write_atomically(
    path: str | os.PathLike[str], data: bytes | Iterable[bytes], part: int = 0
) -> None:
    """Writes a file that appears under its name only when it is whole and on the disk.

    Args:
        path: the file to make or replace; missing directories are made.
        data: its content, whole or in pieces.
        part: number of the process's manifest part, for the temporary file's name.

    Raises:
        OSError: when the file system refuses; then nothing has changed under the name, and the
            temporary file is gone.
    """
    path = Path(path)
    # A name of its own: the final one may have the full length that is allowed already.
    temporary = path.parent / f".sgcampp-{part:05d}-{secrets.token_hex(8)}.tmp"
    try:
        _write_through(temporary, data)
        temporary.replace(path)
    except BaseException:
        temporary.unlink(missing_ok=True)
        raise


def _write_through(path: Path, data: bytes | Iterable[bytes]) -> None:
    try:
        file = path.open("xb")
    except FileNotFoundError:
        path.parent.mkdir(parents=True, exist_ok=True)
        file = path.open("xb")
    with file:
        file.writelines([data] if isinstance(data, bytes) else data)
        file.flush()
        os.fsync(file.fileno())


def remove_leftovers(root: str | os.PathLike[str], part: int | None = None) -> int:
    """Removes the temporary files that dead runs left in an output tree.

    Only for the holder of the lock: of `part`, or of the whole tree when `part` is None.

    Returns:
        How many there were.
    """
    count = 0
    for directory in (MANIFEST, *KINDS):
        for path in _temporaries(Path(root) / directory, part):
            path.unlink(missing_ok=True)
            count += 1
    return count


def clear_tree(root: str | os.PathLike[str], files: Iterable[str]) -> None:
    """Removes the manifest's parts and the files that its rows name, and nothing else.

    Only for the holder of the lock. Files that a run did not write stay, and their directories.

    Args:
        root: the output directory.
        files: paths below it, as rows have them; others are left alone.
    """
    for relative in files:
        parts = Path(relative).parts
        if parts and parts[0] in KINDS and ".." not in parts:
            Path(root, relative).unlink(missing_ok=True)
    for path in (Path(root) / MANIFEST).glob("part-*.jsonl"):
        path.unlink()
    for kind in KINDS:
        for directory, _, _ in os.walk(Path(root) / kind, topdown=False):
            if not any(os.scandir(directory)):
                Path(directory).rmdir()


def _temporaries(top: Path, part: int | None) -> Iterator[Path]:
    for directory, _, names in os.walk(top):
        for name in names:
            match = _TEMPORARY.fullmatch(name)
            if match and part in (None, int(match[1])):
                yield Path(directory, name)
