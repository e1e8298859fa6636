"""The images that an output tree is about, found again: as files, or in what holds them."""

import hashlib
import threading
from collections.abc import Mapping
from dataclasses import replace
from typing import Any

from sgcampp.errors import UserError
from sgcampp.images.find import find_images
from sgcampp.images.items import Place
from sgcampp.images.sources import Kind, Sources, resolve_sources
from sgcampp.storage.location import locate
from sgcampp.storage.urls import is_url

_PLAIN = {Kind.FILE, Kind.DIRECTORY}
"""Sources that hold no images with their classes."""


class Originals:
    """Finds images by their keys; for several threads.

    Args:
        values: the run config.
        base: what the run's keys are relative to, as it was then.
    """

    def __init__(self, values: Mapping[str, Any], base: str | None) -> None:
        self._values, self._base = values, base
        self._lock = threading.Lock()
        self._listed: dict[bytes, Place] | None = None

    def sources(self) -> Sources | None:
        """The run's sources; None if they are not there."""
        named = self._values.get("sources")
        if not isinstance(named, list) or not all(isinstance(one, str) for one in named):
            return None
        try:
            return resolve_sources(named, bool(self._values.get("recursive")))
        except UserError:
            return None

    def labels(self, of_lists: bool) -> dict[str, str]:
        """The class that its source names for each image, by key; {} where none does.

        Args:
            of_lists: look into list files alone, not into archives.

        Raises:
            UserError: for a list or an archive that can't be read.
        """
        sources = self.sources()
        if sources is None:
            return {}
        kinds = {Kind.LIST} if of_lists else set(Kind) - _PLAIN
        kept = tuple(source for source in sources.kept if source.kind in kinds)
        listing = find_images(replace(sources, kept=kept), self._glob())
        return {found.key: found.label for found in listing if found.label is not None}

    def _glob(self) -> list[str]:
        glob = self._values.get("glob")
        return glob if isinstance(glob, list) else []

    def place(self, key: str) -> Place | None:
        """Where an image is; None if its sources are gone or do not have it any more.

        Archives and lists are listed once for that.
        """
        with self._lock:
            if self._listed is None:
                self._listed = self._from_archives()
        found = self._listed.get(_digest(key))
        if found is None and self._base and is_url(self._base):
            return locate(self._base).below(key)
        return found

    def _from_archives(self) -> dict[bytes, Place]:
        sources = self.sources()
        if sources is None or _PLAIN.issuperset(source.kind for source in sources.kept):
            return {}
        listing = find_images(sources, self._glob())
        return {_digest(found.key): found.place for found in listing if found.place is not None}


def _digest(key: str) -> bytes:
    return hashlib.blake2b(key.encode("utf-8", "surrogatepass"), digest_size=16).digest()
