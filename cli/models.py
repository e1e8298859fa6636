"""`sgcampp models`: what can be loaded by name."""

import json
from dataclasses import asdict

import click

from sgcampp.models.sources import list_models


@click.command("models")
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(as_json: bool) -> None:
    """List the models that are known by name; any .keras or .h5 file works too."""
    models = list_models()
    if as_json:
        click.echo(json.dumps([asdict(model) for model in models]))
        return
    for model in models:
        height, width = model.size
        click.echo(f"{model.name:20} {height}×{width:<6} {model.source}")
