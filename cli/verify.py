"""`sgcampp verify`: is everything that was written still whole?"""

import json
import sys
from dataclasses import asdict

import click

from sgcampp.storage.urls import redacted
from sgcampp.tree.verify import verify

from .streams import print_lines, printable, tell


@click.command("verify")
@click.argument("out", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print a JSON object for each problem.")
def command(out: str, as_json: bool) -> None:
    """Re-read every array and picture of the output tree OUT, and list what is wrong.

    Exit code 0 if all is well, 1 if there are problems.
    """
    count = 0
    for problem in verify(out):
        count += 1
        words = f"{printable(problem.path)}: {printable(problem.what)}"
        print_lines((json.dumps(asdict(problem)) if as_json else words) + "\n")
    tell(f"sgcampp: {count} problems in {redacted(out)}")
    sys.exit(1 if count else 0)
