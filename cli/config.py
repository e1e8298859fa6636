"""`sgcampp config`: the resolved run config."""

from dataclasses import asdict
from typing import Any

import click

from sgcampp.config.loading import as_yaml, load_config

from .options import config_flags, given


@click.command("config")
@click.argument("file", required=False, type=click.Path())
@config_flags()
def command(file: str | None, **flags: Any) -> None:
    """Print the full run config that FILE and flags resolve to, as YAML, after checking it."""
    click.echo(as_yaml(asdict(load_config(file, given(flags)))), nl=False)
