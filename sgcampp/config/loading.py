"""Run configs from YAML files and flags, and back."""

import os
from collections.abc import Mapping
from dataclasses import fields
from typing import Any

from sgcampp.config.keys import about
from sgcampp.config.run_config import RunConfig
from sgcampp.config.strict_yaml import read_mapping, yaml_value
from sgcampp.errors import UserError, nearest
from sgcampp.storage.location import Named
from sgcampp.storage.urls import redacted

RECORDED = "recorded"
"""The one key of a run.yaml that is no setting: what the run found out."""


def output_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a config that shape the output files."""
    return {
        key.name: values[key.name] for key in fields(RunConfig) if key.metadata["shapes_output"]
    }


def load_config(
    named: Named | None, flags: Mapping[str, Any], defaults: Mapping[str, Any] | None = None
) -> RunConfig:
    """Resolves a run config: a flag beats the YAML file, which beats the default.

    Args:
        named: path or URL of a YAML file, or None.
        flags: values by key, as YAML would give them.
        defaults: of a command, where they are not RunConfig's own.

    Raises:
        UserError: for an unreadable file, an unknown key (with the nearest one) or a bad value.
    """
    given = read_mapping(named) if named else {}
    path = redacted(os.fspath(named)) if named else ""
    given.pop(RECORDED, None)
    known = {key.name for key in fields(RunConfig)}
    for name in given:
        if name not in known:
            raise UserError(f"{path}: unknown key {name!r:.200}{nearest(str(name), known)}")
    try:
        return RunConfig(**{**(defaults or {}), **given, **flags})
    except UserError as error:
        at_fault = set(given) - set(flags)
        if path and any(str(error).startswith(f"{name} ") for name in at_fault):
            raise UserError(f"{path}: {error}") from error
        raise


def as_yaml(values: Mapping[str, Any]) -> str:
    """A config as YAML text, each key with its description; `load_config` reads it back."""
    lines = []
    for key in fields(RunConfig):
        value = yaml_value(values[key.name])
        lines += [f"# {about(key)}", f"{key.name}: {value}"]
    return "\n".join(lines) + "\n"
