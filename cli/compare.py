"""`sgcampp compare`: methods, layers or settings beside each other, one picture an image."""

from typing import Any

import click

from .help_groups import GroupedCommand
from .running import conduct, run_flags

DEFAULTS = {"method": ["grad_cam", "grad_cam_pp", "smooth_grad_cam_pp"], "write": ["panels"]}


@click.command("compare", cls=GroupedCommand)
@run_flags
def command(**arguments: Any) -> None:
    """Draw one panel for each image: the image, then its maps beside each other.

    \b
    sgcampp compare photo.jpg -o out --nsamples 25 --layer block14_expand_act
    sgcampp compare photos/ -o out --method smooth_grad_cam_pp --across nsamples=0,5,50
    sgcampp compare photos/ -o out --method grad_cam --layer block10_expand_act,block14_expand_act

    Compares Grad-CAM, Grad-CAM++ and Smooth Grad-CAM++ unless told otherwise. What varies first
    of --method, --layer, --across, --target and --filters gives the columns, the others the rows.
    Takes everything that `explain` takes, and resumes like it; panels are in OUT/panels.
    """  # noqa: D301  (\b is Click's mark for lines to leave as they are)
    conduct(DEFAULTS, always="panels", **arguments)
