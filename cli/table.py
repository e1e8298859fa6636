"""`sgcampp table`: a run as one flat table."""

from pathlib import PurePath

import click

from sgcampp.export.formats import FORMATS
from sgcampp.export.table import table
from sgcampp.storage.location import locate
from sgcampp.tree.open_tree import open_tree

from .streams import print_bytes, printable, tell


@click.command("table")
@click.argument("out", type=click.Path())
@click.option(
    "--format",
    "form",
    type=click.Choice(list(FORMATS)),
    help="Of the table  [that of FILE's name, csv for stdout].",
)
@click.option("-o", "--output", type=click.Path(), help="A file  [stdout].")
def command(out: str, form: str | None, output: str | None) -> None:
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
    place = locate(output)
    place.write(pieces)
    tell(f"sgcampp: the table is {printable(place.shown)}")


def _format_of(output: str | None) -> str:
    if output is None:
        return "csv"
    suffix = PurePath(output).suffix
    if suffix[1:].lower() not in FORMATS:
        endings = ", ".join(f".{form}" for form in FORMATS)
        raise click.UsageError(
            f"{printable(output)} does not tell a format by its ending, accepted: {endings}; "
            "or name one with --format"
        )
    return suffix[1:].lower()
