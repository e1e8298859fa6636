"""Commands, flags, keys of run configs and ready configs: the same words, each with its help."""

import ast
import itertools
from dataclasses import fields

import click
import pytest
from house import ROOT

import cli.help_groups
import cli.main
from sgcampp.config.loading import load_config
from sgcampp.config.run_config import RunConfig

DRIVING = {
    *("config", "json", "as_json", "shard", "retry_failed", "overwrite", "quiet"),
    *("workers", "scheduler"),
}
"""Flags of `explain` that say how a run is driven, not what it computes."""


def every_command():
    context = click.Context(cli.main.main)
    return {name: cli.main.main.get_command(context, name) for name in cli.main.COMMANDS}


def options(command):
    return [p for p in command.params if isinstance(p, click.Option)]


def test_every_command_and_every_option_has_help():
    for name, command in every_command().items():
        assert cli.main.COMMANDS[name].endswith(".")
        assert command.help and command.get_short_help_str(), name
        for option in options(command):
            assert option.help and option.help.strip(), f"{name} --{option.name}"
    assert all(option.help for option in options(cli.main.main))


def test_every_file_of_a_command_is_listed():
    with_command = {
        path.stem
        for path in (ROOT / "cli").glob("*.py")
        if any(
            isinstance(node, ast.FunctionDef) and node.name == "command"
            for node in ast.parse(path.read_text("utf-8")).body
        )
    }
    assert with_command == set(cli.main.COMMANDS)


def test_keys_and_flags_of_explain_are_the_same_words():
    keys = {key.name for key in fields(RunConfig)}
    command = every_command()["explain"]
    flags = {option.name: option for option in options(command)}
    assert set(flags) - DRIVING == keys - {"sources"}
    assert [p.name for p in command.params if isinstance(p, click.Argument)] == ["src"]
    for name in keys - {"sources"}:
        assert f"--{name.replace('_', '-')}" in flags[name].opts, name


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_every_flag_of_a_run_stands_in_one_group(command):
    flags = {option.name for option in options(every_command()[command])}
    groups = cli.help_groups.GROUPS.values()
    assert sorted(itertools.chain.from_iterable(groups)) == sorted(flags)


@pytest.mark.parametrize("command", ["config", "layers"])
def test_flags_of_other_commands_are_keys_too(command):
    flags = {option.name for option in options(every_command()[command])}
    assert flags - {"as_json"} <= {key.name for key in fields(RunConfig)}


def test_configs_default_is_what_sgcampp_config_prints():
    from click.testing import CliRunner

    result = CliRunner().invoke(cli.main.main, ["config"])
    assert result.exit_code == 0
    assert result.stdout == (ROOT / "configs" / "default.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "configs").rglob("*.yaml")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_ready_config_is_valid(path):
    load_config(path, {})
