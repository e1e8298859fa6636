"""`sgcampp explain`: images to heatmaps, overlays and raw maps."""

from typing import Any

import click

from .running import conduct, run_flags


@click.command("explain")
@run_flags
def command(**arguments: Any) -> None:
    """Explain images and directories of images (SRC) into an output tree.

    Prints a line for each map: image, class, probability, picture. The same command again goes
    on where it stopped.
    """
    conduct({}, **arguments)
