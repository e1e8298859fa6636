"""`sgcampp status`: how far a run has come."""

import json
from pathlib import Path

import click

from sgcampp.status import read_status

from .progress import printable


@click.command("status")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(out: Path, as_json: bool) -> None:
    """Tell how many images of the output tree OUT are done, and which failed and why."""
    status = read_status(out)
    counts = {"images": status.images, "done": status.done, "missing": status.missing}
    if as_json:
        failed = [
            {"key": key, "reason": reason, "error": error}
            for reason, each in status.failed.items()
            for key, error in each
        ]
        click.echo(json.dumps({**counts, "failed": failed}))
        return
    click.echo(
        f"{status.done} of {status.images} images done, {status.failures} failed, "
        f"{status.missing} missing"
    )
    for reason, each in status.failed.items():
        for key, error in each:
            click.echo(f"{reason}\t{printable(key)}\t{error}")
