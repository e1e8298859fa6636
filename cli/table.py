"""`sgcampp table`: a run as one flat table."""

from pathlib import Path

import click

from sgcampp.export.formats import FORMATS
from sgcampp.export.table import table
from sgcampp.storage.atomic import write_atomically
from sgcampp.tree.open_tree import open_tree

from .streams import print_bytes, printable, tell


@click.command("table")
@click.argument("out", type=click.Path(path_type=Path))
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Of the table  [that of FILE's name, else csv].",
)
@click.option("-o", "--output", type=click.Path(path_type=Path), help="A file  [stdout].")
def command(out: Path, form: str | None, output: Path | None) -> None:
    """Write the maps of the output tree OUT as one flat table, a row a map.

    Its columns are the fields of images and maps, the paths of their files, and what `evaluate`
    measured. An image without maps, as one that failed, has one row. For pandas, DuckDB or a
    spreadsheet.
    """
    form = form or _format_of(output)
    if form == "parquet" and output is None:
        raise click.UsageError("Parquet is no text for a terminal: name a file with -o")
    pieces = table(open_tree(out), form)
    if output is None:
        for piece in pieces:
            print_bytes(piece)
        return
    write_atomically(output, pieces)
    tell(f"sgcampp: the table is {printable(str(output))}")


def _format_of(output: Path | None) -> str:
    suffix = output.suffix.lstrip(".").lower() if output else ""
    return suffix if suffix in FORMATS else "csv"
