"""URLs as users name them, and as anybody may read them: without what they may hold in secret."""

import os
import re
from typing import Any

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*(://|::)")
_USER = r"[^/@\s'\"]*@"
_USER_WITH_SLASHES = r"[^/@:\s'\"]*:(?!\d*(?:[/\s'\"?#]|$))[^@\s'\"]*@"
_URL = re.compile(
    rf"([A-Za-z][A-Za-z0-9+.-]*://)(?:{_USER}|{_USER_WITH_SLASHES})*"
    r"([^\s'\"?#]*)(?:[?#][^\s'\"]*)?"
)


def is_url(named: str | os.PathLike[str]) -> bool:
    """Whether a name is a URL, such as `s3://bucket/photos`, and no path of this machine."""
    return isinstance(named, str) and _SCHEME.match(named) is not None


def redacted(text: str) -> str:
    """A text whose URLs have lost user, password, query and fragment."""
    return _URL.sub(r"\1\2", text) if "://" in text else text


def without_secrets(value: Any) -> Any:
    """A value of a config, lists and mappings included, with every text `redacted`."""
    if isinstance(value, str):
        return redacted(value)
    if isinstance(value, list):
        return [without_secrets(item) for item in value]
    if isinstance(value, dict):
        return {name: without_secrets(item) for name, item in value.items()}
    return value
