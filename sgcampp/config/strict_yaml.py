"""YAML without its surprises: no duplicate keys, no `off` for false, no octal, `1e-3` a number.

Neither tags (which construct other things than text, numbers and lists) nor aliases (of which a few
lines make billions of values).
"""

import json
import os
import re
from typing import Any

import yaml

from sgcampp.errors import UserError
from sgcampp.storage.location import Named, read_named
from sgcampp.storage.urls import redacted


class StrictLoader(yaml.SafeLoader):
    """PyYAML's safe loader with YAML 1.2's plain scalars, no duplicate keys, tags or aliases."""

    yaml_implicit_resolvers: dict[str, list[tuple[str, re.Pattern[str]]]] = {}  # noqa: RUF012

    def compose_node(self, parent: yaml.Node | None, index: Any) -> yaml.Node | None:
        """Refuses tags and aliases."""
        event = self.peek_event()
        if isinstance(event, yaml.AliasEvent) or getattr(event, "tag", None):
            raise yaml.MarkedYAMLError(
                problem="aliases (*name) and tags (!name) are not accepted; put text in quotes",
                problem_mark=event.start_mark,
            )
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:
        """Refuses a key that stands twice; PyYAML would silently take the last."""
        seen = set()
        for key_node, _ in node.value:
            key = self.construct_object(key_node, deep=True)
            if isinstance(key, (list, dict)):
                raise yaml.MarkedYAMLError(
                    problem="a key is not text", problem_mark=key_node.start_mark
                )
            if key in seen:
                raise yaml.MarkedYAMLError(
                    problem=f"key {key!r} stands twice", problem_mark=key_node.start_mark
                )
            seen.add(key)
        return super().construct_mapping(node, deep)


for _tag, _pattern, _first in [
    ("null", r"null|Null|NULL|~|", ["n", "N", "~", ""]),
    ("bool", r"true|True|TRUE|false|False|FALSE", list("tTfF")),
    # No setting is so large; longer ones would only overflow later.
    ("int", r"[-+]?(0|[1-9][0-9]{0,99})", list("-+0123456789")),
    (
        "float",
        r"[-+]?([0-9]+\.[0-9]*|\.[0-9]+|[0-9]+(?=[eE]))([eE][-+]?[0-9]+)?"
        r"|[-+]?\.(inf|Inf|INF)|\.(nan|NaN|NAN)",
        list("-+.0123456789"),
    ),
]:
    StrictLoader.add_implicit_resolver(
        f"tag:yaml.org,2002:{_tag}", re.compile(rf"^(?:{_pattern})$"), _first
    )


def read_mapping(named: Named) -> dict[str, Any]:
    """Reads a YAML file of keys and values, by its path or URL.

    Raises:
        UserError: for a file that can't be read, is not YAML, or is not a mapping; names the line.
    """
    return parse_mapping(read_named(named), redacted(os.fspath(named)))


def parse_mapping(data: bytes, where: str) -> dict[str, Any]:
    """Reads YAML of keys and values.

    Args:
        data: the file's bytes.
        where: its name, for errors.

    Raises:
        UserError: for what is not YAML, or is not a mapping; names the line.
    """
    try:
        values = yaml.load(data.decode("utf-8"), StrictLoader)
    except UnicodeDecodeError as error:
        raise UserError(f"{where}: is not UTF-8 text") from error
    except yaml.MarkedYAMLError as error:
        line = f" line {error.problem_mark.line + 1}:" if error.problem_mark else ""
        raise UserError(f"{where}:{line} {error.problem}") from error
    except yaml.YAMLError as error:
        raise UserError(f"{where}: is not YAML: {str(error).splitlines()[0]}") from error
    except RecursionError as error:
        raise UserError(f"{where}: lists stand too deep in one another") from error
    if values is None:
        return {}
    if not isinstance(values, dict):
        raise UserError(f"{where}: is not a list of `key: value` lines")
    return values


def yaml_value(value: Any, indent: int | None = None) -> str:
    """A value as JSON that is YAML too; what can't be printed, as in a file's name, is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"
