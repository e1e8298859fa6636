"""The `sgcampp` command: finds the subcommand, and turns errors into sentences and exit codes."""

import importlib
import signal
import sys
from typing import Any

try:
    import click

    from sgcampp import __version__

    from .streams import ReaderGone, open_missing, silence, tell
except KeyboardInterrupt:  # these take most of the time until `invoke` can catch it
    sys.exit(130)

COMMANDS = {
    "explain": "Explain images: heatmaps, overlays and raw maps into an output tree.",
    "compare": "Draw methods, layers or settings beside each other, one picture an image.",
    "filters": "List the feature maps that weigh most, by class.",
    "scan": "Find unusual images, and where they are so, beside ordinary ones.",
    "layers": "List the layers of a model that can be explained.",
    "models": "List the models that are known by name.",
    "config": "Print a resolved run config, and check the one given.",
    "evaluate": "Measure what maps are worth, beside reference maps, with intervals.",
    "status": "Tell how far a run has come.",
    "verify": "Check every file of an output tree.",
    "strategies": "Tell by what the model decides each class, and show it on a page.",
    "report": "Make one page to look through an output tree.",
    "doctor": "Tell what this machine has and how fast it explains.",
    "completion": "Print what lets a shell complete this command's words.",
    "table": "Write the maps of an output tree as one flat table.",
}

INTERRUPTED = 128 + signal.SIGINT
READER_GONE = 128 + signal.SIGPIPE
"""What a shell reports of a program that the signal ended."""


class LazyGroup(click.Group):
    """Imports a command's file only when the command is called: --help stays quick."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Names, in the order of help."""
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Imports the command's file."""
        if cmd_name not in COMMANDS:
            return None
        module = importlib.import_module(f".{cmd_name}", __package__)
        return module.command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Lists the commands without importing them."""
        with formatter.section("Commands"):
            formatter.write_dl(list(COMMANDS.items()))

    def main(self, *args: Any, **extra: Any) -> Any:
        """Starts the command, whatever the shell made of its streams."""
        open_missing()
        return super().main(*args, **extra)

    def invoke(self, ctx: click.Context) -> Any:
        """Runs the command; a user's error becomes one sentence and exit code 2."""
        from sgcampp.errors import RunStopped, UserError

        try:
            return super().invoke(ctx)
        except (UserError, RunStopped) as error:
            if ctx.params["debug"]:
                raise
            tell(f"sgcampp: {error}")
            sys.exit(2 if isinstance(error, UserError) else 3)
        except (ReaderGone, BrokenPipeError):
            silence(sys.stdout)
            sys.exit(READER_GONE)
        except KeyboardInterrupt:
            sys.exit(INTERRUPTED)
        except OSError as error:
            if ctx.params["debug"]:
                raise
            tell(f"sgcampp: {error}")
            silence(sys.stdout)
            sys.exit(2)


@click.command(
    cls=LazyGroup,
    context_settings={
        "help_option_names": ["-h", "--help"],
        # --layer_name, as the YAML key and the paper have it, is --layer-name.
        "token_normalize_func": lambda token: token.replace("_", "-"),
        "max_content_width": 100,
    },
)
@click.version_option(__version__, prog_name="sgcampp")
@click.option("--debug", is_flag=True, help="Show the traceback of an error.")
def main(debug: bool) -> None:
    """Smooth Grad-CAM++ saliency maps for image classifiers, in bulk.

    \b
    sgcampp explain photo.jpg -o out
    sgcampp explain photos/ -o out --nsamples 25 --layer-name block14_expand_act
    sgcampp explain photos/ -o out --config run.yaml

    Exit codes: 0 all well, 1 some images failed, 2 bad usage or input, 3 stopped by failures or by
    the machine, 130 interrupted, 141 nobody reads stdout any more.
    """  # noqa: D301  (\b is Click's mark for lines to leave as they are)
