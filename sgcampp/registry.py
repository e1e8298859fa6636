"""What can be asked for by name: methods, writers, model sources, metrics."""

from collections.abc import Iterator, Mapping
from typing import TypeVar

from sgcampp.errors import UserError, nearest

Thing = TypeVar("Thing")


class Registry(Mapping[str, Thing]):
    """Things of one kind by their names, in the order in which they were registered.

    Args:
        noun: what they are, for errors, such as "method".
    """

    def __init__(self, noun: str) -> None:
        self._noun = noun
        self._things: dict[str, Thing] = {}

    def register(self, name: str, thing: Thing) -> None:
        """Adds a thing.

        Raises:
            ValueError: if another one has that name.
        """
        if name in self._things:
            raise ValueError(f"there is a {self._noun} {name!r} already")
        self._things[name] = thing

    def find(self, name: str) -> Thing:
        """The thing of that name.

        Raises:
            UserError: for an unknown name, with the nearest ones.
        """
        if name not in self._things:
            raise UserError(
                f"unknown {self._noun} {name!r:.200}, accepted: {', '.join(self)}"
                f"{nearest(str(name), self)}"
            )
        return self._things[name]

    def __getitem__(self, name: str) -> Thing:
        return self._things[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._things)

    def __len__(self) -> int:
        return len(self._things)
