"""`sgcampp evaluate`: what the maps of a run are worth."""

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Any

import click

from sgcampp.run.quiet import import_tensorflow
from sgcampp.storage.location import locate
from sgcampp.storage.urls import redacted

from .running import Shard
from .signals import stop_on_signals
from .streams import print_lines, printable, tell
from .ticking import Ticker

if TYPE_CHECKING:
    from sgcampp.evaluation.running import Evaluation


@click.command("evaluate")
@click.argument("out", type=click.Path())
@click.option(
    "--preset",
    type=click.Choice(["quick", "standard", "full"]),
    default="standard",
    help="Which metrics  [standard]. full explains again too: far slower.",
)
@click.option("--metrics", default="", help="Metrics by name, in the preset's place, as a,b.")
@click.option(
    "--boxes",
    type=click.Path(path_type=Path),
    help="Annotated objects: COCO JSON, Pascal VOC, a directory of mask PNGs, or a CSV.",
)
@click.option(
    "--classes", type=click.Path(path_type=Path), help="CSV: which classes a category counts as."
)
@click.option(
    "--against", help="The method that the others are held against  [grad_cam_pp, if it is there]."
)
@click.option("--limit", type=int, help="Only so many images, the first in the order of keys.")
@click.option("--seed", type=int, default=0, help="Of ties, random maps and resamples  [0].")
@click.option("--steps", type=int, default=20, help="Of insertion and deletion  [20].")
@click.option(
    "--fill",
    default="black,blur",
    help="For pixels taken out, and for the start of an insertion: black, mean, blur "
    " [black,blur].",
)
@click.option("--shard", type=Shard(), help="Every N-th image from the I-th on, as 1/4 … 4/4.")
@click.option(
    "--retry-failed", is_flag=True, help="Measure images again of which something failed before."
)
@click.option(
    "--batch-size",
    type=int,
    help="Masked images scored at a time; fewer need less memory  [the run's, 16 at least].",
)
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
@click.option(
    "--csv",
    "csv_file",
    type=click.Path(),
    help="Also write a table for spreadsheets.",
)
@click.option("--dry-run", is_flag=True, help="Say what it takes, and stop there.")
def command(**arguments: Any) -> None:
    """Measure what the maps of the output tree OUT are worth, beside reference maps.

    Scores every map on the run's own model and pictures, and tells with intervals which methods
    differ. The same command again goes on where it stopped. Rows are in OUT/evaluation.
    """
    with stop_on_signals() as stop:
        import_tensorflow()
        from sgcampp.evaluation.opening import Options
        from sgcampp.evaluation.running import Evaluation

        out, dry_run = arguments.pop("out"), arguments.pop("dry_run")
        as_json, csv_file = arguments.pop("as_json"), arguments.pop("csv_file")
        evaluation = Evaluation(out, Options(**_given(arguments)))
        cost = evaluation.cost()
        again = f" and {cost.explained} of explanations made again" if cost.explained else ""
        tell(
            f"sgcampp: {cost.maps} maps of {cost.images} images, beside reference maps: at most "
            f"{cost.passes} passes{again}, about {_duration(cost.seconds)}"
        )
        if dry_run:
            return
        with Ticker("image") as ticker:
            interrupted = evaluation.run(ticker, stop)
        if interrupted:
            tell("sgcampp: interrupted; the same command goes on")
            sys.exit(130)
        _show(out, evaluation, arguments, as_json, csv_file)


def _show(
    out: str,
    evaluation: "Evaluation",
    arguments: dict[str, Any],
    as_json: bool,
    csv_file: str | None,
) -> None:
    """Prints what the evaluation says, and exits with 1 if some maps could not be measured."""
    from sgcampp.evaluation.exports import to_csv, to_json
    from sgcampp.evaluation.gathering import gather
    from sgcampp.evaluation.summarise import summary_of
    from sgcampp.evaluation.table import table
    from sgcampp.report.evaluation_page import write_evaluation_page

    gathered = gather(evaluation.rows())
    summary = summary_of(gathered, arguments["against"], arguments["seed"])
    if as_json:
        print_lines(json.dumps(to_json(summary)) + "\n")
    else:
        print_lines("\n".join([table(summary), "", *summary.sentences, ""]))
    if csv_file is not None:
        locate(csv_file).write(to_csv(summary).encode())
    parameters = asdict(evaluation.request)
    page = write_evaluation_page(evaluation.tree, out, summary, gathered, parameters)
    tell(f"sgcampp: the page is {printable(redacted(str(page)))}")
    sys.exit(1 if summary.failed else 0)


def _given(arguments: dict[str, Any]) -> dict[str, Any]:
    """The options as `Options` takes them."""
    lists = {name: _words(arguments[name]) for name in ("metrics", "fill")}
    return {**arguments, **lists, "shard": arguments["shard"] or (1, 1)}


def _words(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _duration(seconds: float) -> str:
    return f"{seconds:.0f} s" if seconds < 100 else f"{seconds / 60:.0f} min"
