"""`sgcampp verify`: is everything that was written still whole?"""

import json
import sys
from dataclasses import asdict
from pathlib import Path

import click

from sgcampp.verify import verify

from .progress import printable


@click.command("verify")
@click.argument("out", type=click.Path(path_type=Path))
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each problem.")
def command(out: Path, as_json: bool) -> None:
    """Re-read every array and picture of the output tree OUT, and list what is wrong.

    Exit code 0 if all is well, 1 if there are problems.
    """
    count = 0
    for problem in verify(out):
        count += 1
        line = (
            json.dumps(asdict(problem)) if as_json else f"{printable(problem.path)}: {problem.what}"
        )
        click.echo(line)
    click.echo(f"sgcampp: {count} problems in {out}", err=True)
    sys.exit(1 if count else 0)
