"""`sgcampp strategies`: what a model decides classes by."""

from typing import TYPE_CHECKING

import click

from .streams import print_lines, printable, tell
from .ticking import Ticker

if TYPE_CHECKING:
    from sgcampp.strategies.findings import Finding


@click.command("strategies")
@click.argument("out", type=click.Path())
@click.option("--class", "class_", metavar="CLASS", help="Only this class, by name or index.")
@click.option("--method", help="Only maps of this method.")
@click.option("--layer", "--layer-name", "layer", help="Only maps of this layer.")
@click.option(
    "--at-least",
    type=click.IntRange(5),
    metavar="N",
    default=20,
    help="Images that a class needs to be looked at  [20].",
)
@click.option("--seed", type=int, default=0, help="Of the clustering  [0].")
@click.option("--json", "as_json", is_flag=True, help="Print the lines of strategies.jsonl.")
def command(
    out: str,
    class_: str | None,
    method: str | None,
    layer: str | None,
    at_least: int,
    seed: int,
    as_json: bool,
) -> None:
    """Tell by what the model decides each class of the output tree OUT.

    Puts images of a class together whose maps are alike, and says how each such strategy stands
    out and which images are far from all. Writes OUT/strategies.html, a page to look at, and
    OUT/strategies.jsonl. Needs pip install 'sgcampp[strategies]'.
    """
    from sgcampp.report.strategies_page import write_strategies_page
    from sgcampp.strategies.exports import to_lines
    from sgcampp.strategies.findings import find_strategies
    from sgcampp.strategies.maps import Wanted, group_maps
    from sgcampp.strategies.reading import STRATEGIES
    from sgcampp.tree.open_tree import open_tree

    tree = open_tree(out)
    groups, few = group_maps(tree, Wanted(class_, method, layer, at_least))
    findings = []
    with Ticker("group") as ticker:
        ticker.start(len(groups))
        for maps in groups:
            findings.append(find_strategies(maps, seed))
            ticker.finish(1)
    lines = to_lines(findings)
    tree.store.write(STRATEGIES, lines)
    print_lines(lines.decode("ascii") if as_json else _text(findings))
    if few:
        tell(
            f"sgcampp: {len(few)} classes with fewer than {at_least} images "
            f"({few.total()} images in all) were left out; --at-least takes smaller ones"
        )
    tell(f"sgcampp: the page is {printable(str(write_strategies_page(tree, out, findings)))}")


def _text(findings: "list[Finding]") -> str:
    from sgcampp.strategies.findings import headline, sentence

    lines = []
    for finding in findings:
        lines.append(printable(headline(finding)))
        several = len(finding.strategies) > 1
        lines += [
            f"  {one.share:4.0%}  {len(one.members):6,} images: {sentence(one)}"
            for one in finding.strategies
            if several
        ]
    return "\n".join([*lines, ""])
