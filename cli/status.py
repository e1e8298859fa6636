"""`sgcampp status`: how far a run has come."""

import json
from datetime import timedelta

import click

from sgcampp.tree.status import Status, failures, read_status

from .progress import a_second
from .streams import print_lines, printable


@click.command("status")
@click.argument("out", type=click.Path())
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(out: str, as_json: bool) -> None:
    """Tell how many images of the output tree OUT are done, and which failed and why.

    Merges the parts of all shards. Prints a line for each failed image: reason, image, sentence.
    """
    status = read_status(out)
    failed = [(row.reason or "", row.key, row.error or "") for row in failures(out)]
    if as_json:
        print_lines(json.dumps(_as_json(status, failed)) + "\n")
        return
    lines = ["\t".join(map(printable, words)) for words in failed]
    print_lines("\n".join([*lines, _sentence(status), ""]))


def _sentence(status: Status) -> str:
    parts = [
        f"{status.done} of {status.images} images done",
        f"{status.failed.total()} failed",
        f"{status.missing} missing",
    ]
    if status.rate is not None:
        parts.append(a_second(status.rate))
    if status.seconds_left is not None:
        parts.append(f"{timedelta(seconds=round(status.seconds_left))} left")
    return ", ".join([*parts, "running" if status.running else "not running"])


def _as_json(status: Status, failed: list[tuple[str, str, str]]) -> dict[str, object]:
    return {
        "images": status.images,
        "done": status.done,
        "missing": status.missing,
        "running": status.running,
        "images_per_second": status.rate,
        "seconds_left": status.seconds_left,
        "reasons": dict(status.failed),
        "failed": [{"reason": reason, "key": key, "error": error} for reason, key, error in failed],
    }
