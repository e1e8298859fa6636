"""`sgcampp report`: one page to look through a run."""

import click

from .streams import print_lines, printable, tell


@click.command("report")
@click.argument("out", type=click.Path())
@click.option("-o", "--output", type=click.Path(), help="The page  [OUT/report.html].")
@click.option(
    "--truth",
    metavar="WHAT",
    default="auto",
    help="What images are labelled as: folder (their folder's name), label (the class that their "
    "source names), none, or a CSV file with the columns image and class  [the classes of list "
    "files, else folders if all are classes of the model].",
)
def command(out: str, output: str | None, truth: str) -> None:
    """Write one HTML page to look through the output tree OUT, and print its path.

    The page opens from disk, without server or network. It shows mean maps by class, and where
    labels are known by what was taken for what; filters, groups and sorts the images by all that
    is known of them, with what `evaluate` and `strategies` found in OUT; shows each map large
    with its raw values, beside its error or another map; and lists failures with their reasons.
    Its address keeps what is shown: a link to a finding.
    """
    from sgcampp.report.page import write_report

    report = write_report(out, output, truth=truth)
    for note in report.notes:
        tell(f"sgcampp: {note}")
    print_lines(printable(str(report.path)) + "\n")
