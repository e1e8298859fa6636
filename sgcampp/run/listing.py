"""The images of a run, listed anew as often as somebody needs them."""

from collections.abc import Iterator
from dataclasses import dataclass, field

from sgcampp.config.run_config import RunConfig
from sgcampp.errors import UserError
from sgcampp.images.find import find_images
from sgcampp.images.items import Found
from sgcampp.images.sources import Sources, resolve_sources
from sgcampp.storage.urls import redacted
from sgcampp.tree.open_tree import kinds_of
from sgcampp.tree.paths import MANIFEST


@dataclass(frozen=True)
class Listing:
    """All images of the sources, in their stable order, without the output tree's own.

    Attributes:
        config: of the run.
        sources: resolved.
        total: how many there are; -1 before they are counted.
    """

    config: RunConfig = field(repr=False)
    sources: Sources = field(repr=False)
    total: int = -1

    def __iter__(self) -> Iterator[Found]:
        config, filled = self.config, (MANIFEST, *kinds_of(self.config.write))
        out = [config.out or ""]
        return find_images(self.sources, config.glob, config.recursive, out, filled)

    @property
    def base(self) -> str:
        """What keys are relative to; "" for nothing."""
        return self.sources.shown_base

    @property
    def near(self) -> bool:
        """Whether reading an image costs next to nothing."""
        return all(one.location.near for one in self.sources.kept)


def counted(config: RunConfig) -> Listing:
    """The listing of a config's sources.

    Raises:
        UserError: for sources that can't be listed, or that hold no image.
    """
    sources = resolve_sources(config.sources, config.recursive)
    total = sum(1 for _ in Listing(config, sources))
    if not total:
        raise UserError(
            f"no images in {', '.join(map(redacted, config.sources))}: name other sources, or "
            "a glob that matches"
        )
    return Listing(config, sources, total)
