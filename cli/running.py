"""What `explain` and `compare` have in common: their flags, and one run told on the terminal."""

import re
import sys
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any

import click

from sgcampp.config.loading import load_config
from sgcampp.config.run_config import RunConfig
from sgcampp.run.backlog import Drive
from sgcampp.run.quiet import import_tensorflow
from sgcampp.storage.urls import redacted

from .options import config_flags, given
from .progress import Progress
from .signals import stop_on_signals

if TYPE_CHECKING:
    from sgcampp.run.summary import Summary


DRIVING = ("shard", "retry_failed", "overwrite", "workers", "scheduler")
"""Parameters that say how a run is driven, and shape none of its maps."""


class Shard(click.ParamType):
    """`I/N` as (I, N)."""

    name = "I/N"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Text to numbers; a usage error unless 1 <= I <= N."""
        match = re.fullmatch(r"([1-9]\d{0,4})/([1-9]\d{0,4})", str(value))
        if not match or int(match[1]) > int(match[2]):
            self.fail(f"{value!r} is no shard, accepted: 1/4, 2/4, 3/4 or 4/4, and the like")
        return int(match[1]), int(match[2])


def run_flags(command: Callable) -> Callable:
    """Adds the sources, a flag for each key, and those that say how a run is driven."""
    for add in reversed(
        (
            click.argument("src", nargs=-1, type=click.Path()),
            click.option("--config", type=click.Path(), help="YAML run config; flags beat it."),
            config_flags(without=["sources"]),
            click.option(
                "--shard", type=Shard(), help="Every N-th image from the I-th on, as 1/4 … 4/4."
            ),
            click.option(
                "--retry-failed", is_flag=True, help="Try images again that failed before."
            ),
            click.option(
                "--overwrite", is_flag=True, help="Remove what OUT holds and start afresh."
            ),
            click.option(
                "--workers",
                type=click.IntRange(1, 1000),
                help="Processes of this machine that do the work.",
            ),
            click.option(
                "--scheduler", metavar="ADDRESS", help="Dask cluster that does it: tcp://HOST:PORT."
            ),
            click.option(
                "--json", "as_json", is_flag=True, help="Print each image's manifest row as JSON."
            ),
            click.option(
                "-q", "--quiet", is_flag=True, help="Print no results and no progress: errors only."
            ),
        )
    ):
        command = add(command)
    return command


def conduct(
    defaults: Mapping[str, Any],
    *,
    src: tuple[str, ...],
    config: str | None,
    as_json: bool,
    quiet: bool,
    always: str | None = None,
    after: Callable[[RunConfig], None] = lambda resolved: None,
    progress: Progress | None = None,
    **flags: Any,
) -> None:
    """Runs what the flags of `run_flags` ask for, tells of it; exits with its code.

    Args:
        defaults: of the command, where they are not RunConfig's own.
        src: sources.
        config: a YAML file's path or URL.
        as_json: whether to print rows.
        quiet: whether to print nothing but errors, and rows where they are asked for.
        always: a kind of file that is written whatever `write` says.
        after: done when the run has ended, unless it was interrupted.
        progress: tells of it; None: as `explain` does.
        **flags: those that drive it, and the config's by key.
    """
    drive = _drive(**{name: flags.pop(name) for name in DRIVING})
    sources = {"sources": list(src)} if src else {}
    resolved = load_config(config, {**given(flags), **sources}, defaults)
    if always and always not in resolved.write:
        resolved = replace(resolved, write=[*resolved.write, always])
    summary = _run(resolved, progress or Progress(as_json, quiet), drive)
    if not summary.interrupted:
        after(resolved)
    sys.exit(summary.exit_code)


def _drive(
    shard: tuple[int, int] | None,
    retry_failed: bool,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
) -> Drive:
    """How a run is driven; a usage error for flags that do not go together."""
    if overwrite and shard:
        raise click.UsageError("--overwrite goes without --shard: it removes all shards' results")
    if workers and scheduler:
        raise click.UsageError("--workers goes without --scheduler: its cluster has its own")
    if shard and (workers or scheduler):
        given = "--workers" if workers else "--scheduler"
        raise click.UsageError(
            f"{given} goes without --shard: the run shares out its images itself"
        )
    if scheduler is not None and not re.match(r"[a-z]+://.", scheduler):
        raise click.UsageError(
            f"--scheduler is {scheduler!r}, accepted: an address such as tcp://10.0.0.1:8786"
        )
    return Drive(shard or (1, 1), overwrite, retry_failed, workers or 0, scheduler)


def _run(config: RunConfig, progress: Progress, drive: Drive) -> "Summary":
    """Runs and tells of it."""
    with stop_on_signals() as stop:
        if not drive.on_workers:
            import_tensorflow()
        from sgcampp.pipeline import run

        try:
            summary = run(config, progress, drive, stop)
        finally:
            progress.close()
    progress.note(f"{summary}; the results are in {redacted(config.out or '')}{summary.closing}")
    if summary.interrupted:
        progress.note("interrupted; the same command goes on")
    return summary
