"""Pictures that a page can't link to, since they lie in shards or elsewhere: put into it."""

import base64
from collections.abc import Iterable

from sgcampp.tree.open_tree import OutputTree

PICTURE_CHARACTERS = 64 << 20
"""How much of a page pictures may take; further ones are left out."""


class Inlined:
    """Turns pictures into data URLs as long as there is room.

    Args:
        tree: the output tree.
        wanted: whether pictures must be inlined.
        budget: characters that they may take.

    Attributes:
        left_out: pictures that found no room, or could not be read.
    """

    def __init__(self, tree: OutputTree, wanted: bool, budget: int = PICTURE_CHARACTERS) -> None:
        self._tree, self._wanted, self._budget = tree, wanted, budget
        self.left_out = 0

    def urls(self, paths: Iterable[str | None]) -> dict[str, str]:
        """The data URL of each picture by its path; nothing for those that pages link to."""
        found: dict[str, str] = {}
        for path in paths:
            if self._wanted and path and path not in found:
                url = self._url(path)
                if url:
                    found[path] = url
        return found

    def _url(self, path: str) -> str | None:
        if self._budget > 0:
            try:
                data = base64.b64encode(self._tree.files.read(path)).decode("ascii")
            except OSError:
                data = ""
            if data and len(data) <= self._budget:
                self._budget -= len(data)
                return f"data:image/png;base64,{data}"
        self.left_out += 1
        return None
