"""`sgcampp report`: one page to look through a run."""

import click

from .streams import print_lines, printable, tell


@click.command("report")
@click.argument("out", type=click.Path())
@click.option("-o", "--output", type=click.Path(), help="The page  [OUT/report.html].")
def command(out: str, output: str | None) -> None:
    """Write one HTML page to look through the output tree OUT, and print its path.

    The page opens from disk, without server or network. It filters the images by class, method,
    layer, settings and score, sorts them by score, effective samples and concentration, shows
    each map large with its raw values, beside the image's other maps, and lists failures with
    their reasons.
    """
    from sgcampp.report.page import write_report

    report = write_report(out, output)
    for note in report.notes:
        tell(f"sgcampp: {note}")
    print_lines(printable(str(report.path)) + "\n")
