"""`sgcampp explain`: images to heatmaps, overlays and raw maps."""

import sys
from pathlib import Path
from typing import Any

import click

from sgcampp.config import load_config

from .options import config_flags, given
from .progress import Progress
from .quiet import import_tensorflow


@click.command("explain")
@click.argument("src", nargs=-1, type=click.Path())
@click.option("--config", type=click.Path(path_type=Path), help="YAML run config; flags beat it.")
@config_flags(without=["sources"])
@click.option("--json", "as_json", is_flag=True, help="Print each image's manifest row as JSON.")
def command(src: tuple[str, ...], config: Path | None, as_json: bool, **flags: Any) -> None:
    """Explain images and directories of images (SRC) into an output tree.

    Prints a line for each map: image, class, probability, picture.
    """
    sources = {"sources": [str(source) for source in src]} if src else {}
    resolved = load_config(config, {**given(flags), **sources})
    import_tensorflow()
    from sgcampp.pipeline import run

    progress = Progress(as_json)
    try:
        summary = run(resolved, progress)
    finally:
        progress.close()
    click.echo(f"sgcampp: {summary}; the results are in {resolved.out}", err=True)
    sys.exit(summary.exit_code)
