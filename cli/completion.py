"""`sgcampp completion`: what lets a shell complete commands, flags, methods, models and layers."""

from importlib.resources import files

import click
from click.shell_completion import get_completion_class

from sgcampp.config.value_types import ValueType
from sgcampp.models.sources import list_models

from .streams import print_lines

SHELLS = ("bash", "zsh", "fish")
FILES = {"model", "weights", "labels", "target", "out"}
"""Keys whose values may be paths."""
EMBEDDED_LAYERS = "embedded_layers.txt"


def words_of(key: str, type_: ValueType) -> list[str]:
    """The words that a key of the run config is known to take, without asking TensorFlow."""
    if key == "model":
        return [model.name for model in list_models()]
    if key == "layer_name":
        return files("sgcampp.models").joinpath(EMBEDDED_LAYERS).read_text("utf-8").split()
    return list(type_.values)


@click.command("completion")
@click.argument("shell", type=click.Choice(SHELLS))
@click.pass_context
def command(ctx: click.Context, shell: str) -> None:
    """Print what makes SHELL complete this command's words.

    \b
    bash, in ~/.bashrc:                      eval "$(sgcampp completion bash)"
    zsh, in ~/.zshrc:                        eval "$(sgcampp completion zsh)"
    fish, in ~/.config/fish/config.fish:     sgcampp completion fish | source
    """  # noqa: D301  (\b is Click's mark for lines to leave as they are)
    completion = get_completion_class(shell)
    assert completion is not None
    root = ctx.find_root()
    print_lines(completion(root.command, {}, "sgcampp", "_SGCAMPP_COMPLETE").source() + "\n")
