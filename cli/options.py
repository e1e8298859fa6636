"""Flags made of RunConfig's fields, so that every YAML key has a flag of its name."""

import itertools
from collections.abc import Callable, Collection
from dataclasses import Field, fields
from typing import Any

import click
from click.shell_completion import CompletionItem

from sgcampp.config.keys import about
from sgcampp.config.run_config import RunConfig
from sgcampp.config.value_types import FLAG, ValueType
from sgcampp.errors import UserError

from .completion import FILES, words_of

DEFAULTS = RunConfig()


class KeyType(click.ParamType):
    """Turns a flag's text into the value that YAML would have given; the config checks it."""

    def __init__(self, key: Field) -> None:
        self.type: ValueType = key.metadata["type"]
        self.name = key.name
        self.metavar = "|".join(self.type.values) if len(self.type.values) in range(1, 4) else None

    def get_metavar(self, param: click.Parameter, ctx: click.Context | None = None) -> str:
        """What stands behind the flag in --help."""
        return self.metavar or self.name.upper().replace("-", "_")

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> Any:
        """Text to value; UserError if it can't be."""
        try:
            return self.type.from_text(value)
        except ValueError:
            raise UserError(
                f"{self.name} is {value!r:.200}, accepted: {self.type.accepted}"
            ) from None

    def shell_complete(
        self, ctx: click.Context, param: click.Parameter, incomplete: str
    ) -> list[CompletionItem]:
        """What a shell offers; of a list, for the item after the last comma."""
        before, comma, last = incomplete.rpartition(",") if self.type.many else ("", "", incomplete)
        known = [
            CompletionItem(f"{before}{comma}{word}")
            for word in words_of(self.name, self.type)
            if word.startswith(last)
        ]
        files = [CompletionItem(incomplete, type="file")] if self.name in FILES else []
        return known + files


def config_flags(without: Collection[str] = (), only: Collection[str] | None = None) -> Callable:
    """Adds a flag for each key of the run config to a command.

    Args:
        without: keys that the command takes otherwise.
        only: the keys to add, or None for all.
    """

    def add(command: Callable) -> Callable:
        for key in reversed(fields(RunConfig)):
            if key.name not in without and (only is None or key.name in only):
                command = _flag(key)(command)
        return command

    return add


def given(values: dict[str, Any]) -> dict[str, Any]:
    """The flags that stood on the command line, by key; a list may stand in several pieces."""
    return {
        name: _joined(value) if isinstance(value, tuple) else value
        for name, value in values.items()
        if value is not None and value != ()
    }


def _joined(pieces: tuple[Any, ...]) -> list[Any] | dict[str, Any]:
    if isinstance(pieces[0], dict):
        return {name: values for piece in pieces for name, values in piece.items()}
    return list(itertools.chain.from_iterable(pieces))


def _flag(key: Field) -> Callable:
    name = key.name.replace("_", "-")
    text = f"{about(key)}{_default(key)}"
    if key.metadata["type"] is FLAG:
        return click.option(f"--{name}/--no-{name}", key.name, default=None, help=text)
    short = {"out": ["-o"], "layer-name": ["--layer"]}.get(name, [])
    several = key.metadata["type"].many
    return click.option(
        *short, f"--{name}", key.name, type=KeyType(key), multiple=several, help=text
    )


def _default(key: Field) -> str:
    """The default, as the flag would have it; nothing where it is none."""
    value = getattr(DEFAULTS, key.name)
    if isinstance(value, bool):
        return f"  [{'' if value else 'no-'}{key.name.replace('_', '-')}]"
    if value in (None, [], {}):
        return ""
    return f"  [{','.join(map(str, value)) if isinstance(value, list) else value}]"
