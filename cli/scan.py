"""`sgcampp scan`: which images are unusual beside ordinary ones, and where."""

from functools import partial
from typing import Any

import click

from sgcampp.config.run_config import RunConfig
from sgcampp.explain.scanning import ALPHA_MAX, BACKGROUND_IMAGES, STATISTICS, TAILS

from .running import conduct, run_flags
from .streams import tell

DEFAULTS = {"method": ["subset_scan"]}


@click.command("scan")
@run_flags
@click.option("--background", help="Directory of ordinary images, or another run's background.npz.")
@click.option(
    "--background-images", type=int, help=f"How many of them are kept  [{BACKGROUND_IMAGES}]."
)
@click.option(
    "--statistic", type=click.Choice(list(STATISTICS)), help="Of the rare neurons  [berk_jones]."
)
@click.option(
    "--tail",
    type=click.Choice(TAILS),
    help="Unusually high activations count, or low ones too  [upper].",
)
@click.option(
    "--alpha-max", type=float, help=f"Largest p-value of a neuron that counts  [{ALPHA_MAX}]."
)
@click.option(
    "--truth",
    help="CSV of image,anomalous (1 or 0): tell how well the scores part them (AUROC).",
)
def command(truth: str | None, **arguments: Any) -> None:
    """Find unusual images (SRC) beside the ordinary ones in --background, and where they are so.

    Scans a layer for the neurons that are together the rarest (Speakman et al. 2018). Prints a line
    for each image: image, score, p-value among the background, picture. The map of an image is of
    these neurons alone, and adds up to its score. Takes everything that `explain` takes, and
    resumes like it.
    """
    names = {"background_images": "images"}
    for flag in ("background", "background_images", "statistic", "tail", "alpha_max"):
        value = arguments.pop(flag)
        if value is not None:
            arguments["scan"] = (*arguments["scan"], {names.get(flag, flag): value})
    conduct(DEFAULTS, after=partial(_tell_truth, truth), **arguments)


def _tell_truth(truth: str | None, resolved: RunConfig) -> None:
    """Tells the AUROC of the scores against a file of labels."""
    if truth is not None:
        from sgcampp.run.parting import parting

        tell(f"sgcampp: {parting(resolved.out or '', truth)}")
