"""`sgcampp explain`: images to heatmaps, overlays and raw maps."""

from typing import Any

import click

from .help_groups import GroupedCommand
from .running import conduct, run_flags


@click.command("explain", cls=GroupedCommand)
@run_flags
def command(**arguments: Any) -> None:
    """Explain images and directories of images (SRC) into an output tree.

    \b
    sgcampp explain photo.jpg -o out
    sgcampp explain photos/ -o out --nsamples 25 --layer block14_expand_act --target top3
    sgcampp explain photos/ -o out --model mine.keras --labels names.txt --scale 0.0039216

    Prints a line for each map: image, class, probability, picture. The same command again goes
    on where it stopped.
    """  # noqa: D301  (\b is Click's mark for lines to leave as they are)
    conduct({}, **arguments)
