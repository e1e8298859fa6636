"""`sgcampp layers`: which layers can be explained."""

import json
from dataclasses import asdict
from typing import Any

import click

from sgcampp.config.keys import MODEL_KEYS
from sgcampp.explain.checks import grid_of
from sgcampp.run.quiet import import_tensorflow

from .options import config_flags, given


@click.command("layers")
@click.argument("model")
@config_flags(only=(*MODEL_KEYS, "tokens"))
@click.option("--json", "as_json", is_flag=True, help="Print JSON.")
def command(model: str, as_json: bool, **flags: Any) -> None:
    """List MODEL's layers with [h, w, K] outputs, in call order.

    * marks the default, ~ the layers where smoothing can act, and ≈ the one among them that
    `--layer-name smoothing` takes. Tokens are listed by their rows and columns of patches.
    """
    import_tensorflow()
    from sgcampp.engine.smoothing import marked_layers
    from sgcampp.models.loading import load_model
    from sgcampp.models.names import is_model_path

    # A named model has the same layers whatever its weights: no download for a listing.
    weights = {} if is_model_path(model) else {"weights": "none"}
    settings = {**weights, **given(flags)}
    tokens = grid_of(settings.pop("tokens", None))
    classifier = load_model(model, **settings)
    of_model = classifier.model, classifier.input_shape, classifier.output_name
    layers = marked_layers(*of_model, tokens)
    if as_json:
        listed = [
            {**asdict(marked.layer), "smoothing": marked.acts, "last_smoothing": marked.last}
            for marked in layers
        ]
        click.echo(json.dumps(listed))
        return
    for marked in layers:
        layer = marked.layer
        shape = "×".join("?" if size is None else str(size) for size in layer.shape)
        acts = "≈" if marked.last else "~" if marked.acts else " "
        default = "*" if layer.default else " "
        click.echo(f"{default}{acts} {layer.address:40} {layer.type:24} {shape}")
