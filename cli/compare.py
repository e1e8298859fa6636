"""`sgcampp compare`: methods, layers or settings beside each other, one picture an image."""

from pathlib import Path
from typing import Any

import click

from sgcampp.config import PANELS, load_config

from .options import given
from .running import conduct, run_flags

DEFAULTS = {"method": ["grad_cam", "grad_cam_pp", "smooth_grad_cam_pp"], "write": [PANELS]}


@click.command("compare")
@run_flags
def command(
    src: tuple[str, ...],
    config: Path | None,
    shard: tuple[int, int] | None,
    retry_failed: bool,
    overwrite: bool,
    as_json: bool,
    **flags: Any,
) -> None:
    """Draw one panel for each image: the image, then its maps beside each other.

    Compares Grad-CAM, Grad-CAM++ and Smooth Grad-CAM++ unless told otherwise. What varies first
    of --method, --layer, --across, --target and --filters gives the columns, the others the rows.
    Takes everything that `explain` takes, and resumes like it; panels are in OUT/panels.
    """
    sources = {"sources": [str(source) for source in src]} if src else {}
    resolved = load_config(config, {**given(flags), **sources}, DEFAULTS)
    if PANELS not in resolved.write:
        resolved.write.append(PANELS)
    conduct(resolved, shard, retry_failed, overwrite, as_json)
