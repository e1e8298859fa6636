"""`sgcampp filters`: which feature maps weigh most, by class."""

import json
from functools import partial
from typing import TYPE_CHECKING, Any

import click

from sgcampp.config.run_config import RunConfig
from sgcampp.storage.urls import redacted

from .progress import Progress
from .running import conduct, run_flags
from .streams import print_lines, printable, tell

if TYPE_CHECKING:
    from sgcampp.report.filters import OfClass

DEFAULTS = {"method": ["grad_cam_pp"], "filters": ["top8"], "write": ["overlays"]}


@click.command("filters")
@run_flags
def command(as_json: bool, **arguments: Any) -> None:
    """List which feature maps weigh most in the images SRC, by class, and where most.

    Explains the images with --filters top8 into OUT, and gathers the weights. Prints a line for
    each feature map: class, feature map, mean share of the weights, images, those that drive it
    most; and writes a page, OUT/filters.html. Takes everything that `explain` takes, and resumes
    like it.
    """
    show = partial(_show, as_json=as_json)
    conduct(DEFAULTS, after=show, progress=_Silent(False), as_json=False, **arguments)


class _Silent(Progress):
    """Tells of a run without its results, which are told together."""

    def _print(self, text: str) -> None:
        pass


def _show(resolved: RunConfig, as_json: bool) -> None:
    from sgcampp.report.filters import filters_by_class
    from sgcampp.report.filters_page import write_filters_page
    from sgcampp.tree.open_tree import open_tree

    out = resolved.out or ""
    tree = open_tree(out)
    classes = filters_by_class(tree.rows())
    page = write_filters_page(tree, out, classes)
    if as_json:
        print_lines(json.dumps([_plain(one) for one in classes]) + "\n")
    else:
        print_lines("".join(f"{line}\n" for one in classes for line in _lines(one)))
    tell(f"sgcampp: the page is {printable(redacted(str(page)))}")


def _lines(of: "OfClass") -> list[str]:
    return [
        "\t".join(
            (
                printable(of.words),
                f"feature map {one.number}",
                f"{share:.3f}",
                f"{one.images} of {of.images} images",
                ", ".join(printable(driven.key) for driven in one.driven),
            )
        )
        for share, one in of.ranked()
    ]


def _plain(of: "OfClass") -> dict[str, Any]:
    filters = [
        {
            "filter": one.number,
            "share": share,
            "images": one.images,
            "most": [
                {"key": driven.key, "share": driven.share, "picture": driven.picture}
                for driven in one.driven
            ],
        }
        for share, one in of.ranked()
    ]
    return {
        "class": of.words,
        "method": of.method,
        "layer": of.layer,
        "images": of.images,
        "filters": filters,
    }
