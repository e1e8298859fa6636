"""How the pages are made: one file each, escaped, its script and style named by their hashes."""

import base64
import hashlib
import os
import re
from collections.abc import Callable, Iterable, Iterator, Sequence
from importlib.resources import files
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.parse import quote

from jinja2 import Environment, StrictUndefined
from markupsafe import Markup

from sgcampp.errors import UserError
from sgcampp.storage.location import Named, locate
from sgcampp.storage.urls import is_url
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.paths import MANIFEST, RUN_YAML

EVALUATION = "evaluation"
"""The directory below OUT that holds an evaluation's rows."""

_UNSEEN = re.compile(
    "[\x00-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b-\u200f\u2028-\u202e\u2066-\u2069\ufeff]"
)


def page(
    template: str,
    styles: Sequence[str],
    scripts: Sequence[str],
    context: dict[str, Any],
    filters: dict[str, Callable[..., Any]],
    finalize: Callable[[Any], Any] | None = None,
) -> Iterator[bytes]:
    """Yields a page in pieces.

    Args:
        template: its file in this package.
        styles: likewise; they become one style.
        scripts: likewise; they become one script.
        context: what the template shows.
        filters: what the template calls.
        finalize: acts on every value that the template shows, before it is escaped.
    """
    environment = Environment(
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        finalize=finalize,
    )
    environment.filters.update(filters)
    css, code = ("".join(map(_resource, names)) for names in (styles, scripts))
    pieces = environment.from_string(_resource(template)).generate(
        **context,
        style=Markup(css),
        script=Markup(code),
        style_hash=_hash(css),
        script_hash=_hash(code),
    )
    return (piece.encode() for piece in pieces)


def write_page(path: Named, pieces: Iterable[bytes]) -> None:
    """Writes a page, whole or not at all.

    Raises:
        UserError: if it can't be written.
    """
    place = locate(path)
    try:
        place.write(pieces)
    except OSError as error:
        raise UserError(f"{place.shown} can't be written: {error.strerror or error}") from error


def refuse_to_replace(out: Named, path: Named, kinds: Sequence[str]) -> None:
    """Raises UserError for a page that would take the place of the run's own files, or a device."""
    target, place = str(locate(path).identity), locate(out)
    for name in (RUN_YAML, MANIFEST, EVALUATION, *kinds):
        if f"{target}/".startswith(f"{place.below(name).identity}/"):
            raise UserError(f"{locate(path).shown} belongs to the run: write the report elsewhere")
    if not is_url(path) and Path(path).exists() and not Path(path).is_file():
        raise UserError(f"{path} is no regular file: write the report elsewhere")


def relative_url(directory: Named, path: Named) -> str | None:
    """The URL of a directory as seen from the page, to put before a path; "" for its own.

    None if the two lie in different stores, so that no page can link there.
    """
    here, there = locate(path), locate(directory)
    if here.store.shown() != there.store.shown():
        return None
    relative = os.path.relpath(there.name or ".", PurePosixPath(here.name).parent)
    return "" if relative == "." else quote(os.fsencode(relative)) + "/"


def url_path(prefix: str, path: str) -> str:
    """The URL of a path below a directory, from that of the directory (see `relative_url`)."""
    return prefix + quote(os.fsencode(path))


def pictures_url(tree: OutputTree, out: Named, path: Named) -> str | None:
    """What stands before the path of a picture in a page's links; None if it must be inlined."""
    return None if tree.values.get("layout") == "tar" else relative_url(out, path)


def page_below(out: Named, name: str) -> Named:
    """A page in an output tree."""
    return f"{os.fspath(out).rstrip('/')}/{name}" if is_url(out) else Path(out) / name


def name_of(out: Named) -> str:
    """What an output tree is called."""
    last = locate(out).last if is_url(out) else Path(out).absolute().name
    return os.fsencode(last).decode("utf-8", "replace")


def words(value: Any) -> str:
    """The value of a setting on one line."""
    if isinstance(value, dict):
        return "; ".join(f"{name}: {words(item)}" for name, item in value.items())
    return ", ".join(map(words, value)) if isinstance(value, list | tuple) else str(value)


def shown(value: Any) -> Any:
    """Text on one line, with what can't be seen, or would turn the line around, spelled out.

    As `shown` of words.js has it; what is no text, or is markup already, stays as it is.
    """
    if not isinstance(value, str) or isinstance(value, Markup):
        return value
    return _UNSEEN.sub(lambda found: _spelled(ord(found[0])), value)


def breakable(name: str) -> Markup:
    """A name, escaped, that may break after its underscores."""
    return Markup("_<wbr>").join(shown(name).split("_"))


def _spelled(code: int) -> str:
    raw = 0xDC80 <= code <= 0xDCFF  # stands for a byte that is not UTF-8
    return f"\\x{code - 0xDC00:02x}" if raw else f"\\u{{{code:x}}}"


def _resource(name: str) -> str:
    return files(__package__).joinpath(name).read_text("utf-8")


def _hash(text: str) -> str:
    """As the page's Content-Security-Policy names the one script and style that may act."""
    return "sha256-" + base64.b64encode(hashlib.sha256(text.encode()).digest()).decode("ascii")
