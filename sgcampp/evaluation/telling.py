"""What is told of an evaluation: what it will take, and how it goes."""

from dataclasses import dataclass
from typing import Protocol


class Listener(Protocol):
    """Whoever hears how an evaluation goes."""

    def note(self, sentence: str) -> None:
        """Something to know, said once."""

    def start(self, images: int) -> None:
        """So many images are to be evaluated, those done before included."""

    def finish(self, images: int) -> None:
        """So many more images are done."""


@dataclass(frozen=True)
class Cost:
    """What an evaluation takes.

    Attributes:
        images: how many there are.
        maps: of them, reference maps aside.
        passes: images that are scored.
        explained: passes of explanations made again; each has a gradient too.
        seconds: at today's speed, sparse systems of imputed images included.
    """

    images: int
    maps: int
    passes: int
    explained: int
    seconds: float
