"""Where things about an image lie in the output tree."""

import hashlib
import os
import re
from collections.abc import Sequence

from sgcampp.images.names import is_image_name

RUN_YAML = "run.yaml"
MANIFEST = "manifest"
KINDS = ("arrays", "errors", "heatmaps", "error_heatmaps", "overlays", "panels")
"""The directories that a run fills with files of ours; it may have other writers beside."""

_LONGEST_NAME = 255  # bytes, on nearly every file system
_SUFFIX = re.compile(r"[A-Za-z0-9_-]+")
_NO_EXTENSION = "img"
_AMBIGUOUS_DIRECTORY = re.compile(r".*(\.(npy|png|dir)|~[0-9a-f]{16})", re.DOTALL)


def manifest_part(part: int) -> str:
    """The part of the manifest that one process writes."""
    return f"{MANIFEST}/part-{part:05d}.jsonl"


def relative_path(kind: str, extension: str, key: str, suffixes: Sequence[str] = ()) -> str:
    """Returns the path below the output directory of one file about an image, with "/".

    `("arrays", ".npy", "a/b.jpg", ["k010"])` is `arrays/a/b.jpg.k010.npy`.
    No two (kind, key, suffixes) share a path, nor is one the directory of another:

    - a key without an image extension gets `.img` (`notes.txt` → `notes.txt.img.npy`);
    - a directory named `*.npy`, `*.png`, `*.dir` or `*~<16 hex digits>` gets `.dir`;
    - a name longer than 255 bytes is cut and closed with `~` and 16 hex digits of its SHA-256.

    Args:
        kind: the directory: such as one of `KINDS`.
        extension: of the files in it, as `.npy`.
        key: relative path of the image as `find_images` gives it.
        suffixes: words of letters, digits, "_" and "-", such as the target and "k010".

    Raises:
        ValueError: for a key that is not a plain relative path, or a suffix
            that could be taken for something else.
    """
    *directories, name = _parts(key)
    if not is_image_name(name):
        name = f"{name}.{_NO_EXTENSION}"
    check_suffixes(suffixes)
    directories = [d + ".dir" if _AMBIGUOUS_DIRECTORY.fullmatch(d) else d for d in directories]
    name = _fitting(".".join([name, *suffixes]), extension)
    return "/".join([kind, *(_fitting(d, "") for d in directories), name])


def _parts(key: str) -> tuple[str, ...]:
    parts = tuple(key.split("/"))
    if not all(parts) or any(part in (".", "..") or "\0" in part for part in parts):
        raise ValueError(f"key {key!r} is not a plain relative path")
    return parts


def check_suffixes(suffixes: Sequence[str]) -> None:
    """Raises ValueError for a suffix that could be taken for something else."""
    for suffix in suffixes:
        if not _SUFFIX.fullmatch(suffix) or suffix == _NO_EXTENSION or is_image_name(f"a.{suffix}"):
            raise ValueError(f"suffix {suffix!r} is not a word of its own")


def _fitting(name: str, extension: str) -> str:
    raw = os.fsencode(name)
    if len(raw) + len(extension) <= _LONGEST_NAME:
        return name + extension
    end = f"~{hashlib.sha256(raw).hexdigest()[:16]}{extension}"
    return raw[: _LONGEST_NAME - len(end)].decode("utf-8", "ignore") + end
