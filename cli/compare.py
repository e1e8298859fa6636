"""`sgcampp compare`: methods, layers or settings beside each other, one picture an image."""

from typing import Any

import click

from .running import conduct, run_flags

DEFAULTS = {"method": ["grad_cam", "grad_cam_pp", "smooth_grad_cam_pp"], "write": ["panels"]}


@click.command("compare")
@run_flags
def command(**arguments: Any) -> None:
    """Draw one panel for each image: the image, then its maps beside each other.

    Compares Grad-CAM, Grad-CAM++ and Smooth Grad-CAM++ unless told otherwise. What varies first
    of --method, --layer, --across, --target and --filters gives the columns, the others the rows.
    Takes everything that `explain` takes, and resumes like it; panels are in OUT/panels.
    """
    conduct(DEFAULTS, always="panels", **arguments)
