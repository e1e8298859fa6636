"""`sgcampp explain`: images to heatmaps, overlays and raw maps."""

from pathlib import Path
from typing import Any

import click

from sgcampp.config import load_config

from .options import given
from .running import conduct, run_flags


@click.command("explain")
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
    """Explain images and directories of images (SRC) into an output tree.

    Prints a line for each map: image, class, probability, picture. The same command again goes
    on where it stopped.
    """
    sources = {"sources": [str(source) for source in src]} if src else {}
    resolved = load_config(config, {**given(flags), **sources})
    conduct(resolved, shard, retry_failed, overwrite, as_json)
