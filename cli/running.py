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
    shard: tuple[int, int] | None,
    retry_failed: bool,
    overwrite: bool,
    workers: int | None,
    scheduler: str | None,
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
        shard: which one.
        retry_failed: whether to try failed images again.
        overwrite: whether to start afresh.
        workers: how many processes do the work; None: this one.
        scheduler: of the cluster that does it.
        as_json: whether to print rows.
        quiet: whether to print nothing but errors, and rows where they are asked for.
        always: a kind of file that is written whatever `write` says.
        after: done when the run has ended, unless it was interrupted.
        progress: tells of it; None: as `explain` does.
        **flags: by key.
    """
    sources = {"sources": list(src)} if src else {}
    resolved = load_config(config, {**given(flags), **sources}, defaults)
    if always and always not in resolved.write:
        resolved = replace(resolved, write=[*resolved.write, always])
    if overwrite and shard:
        raise click.UsageError("--overwrite goes without --shard: it removes all shards' results")
    _check_workers(workers, scheduler, shard)
    drive = Drive(shard or (1, 1), overwrite, retry_failed, workers or 0, scheduler)
    summary = _run(resolved, progress or Progress(as_json, quiet), drive)
    if not summary.interrupted:
        after(resolved)
    sys.exit(summary.exit_code)


def _check_workers(
    workers: int | None, scheduler: str | None, shard: tuple[int, int] | None
) -> None:
    """A usage error for ways to share out work that do not go together."""
    if workers and scheduler:
        raise click.UsageError("--workers goes without --scheduler: its cluster has its own")
    if shard and (workers or scheduler):
        given = "--workers" if workers else "--scheduler"
        raise click.UsageError(
            f"{given} goes without --shard: the run shares out its images itself"
        )
    if scheduler and not re.match(r"[a-z]+://.", scheduler):
        raise click.UsageError(
            f"--scheduler is {scheduler!r}, accepted: an address such as tcp://10.0.0.1:8786"
        )


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
