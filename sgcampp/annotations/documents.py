"""JSON, XML and text that a user gives, read without surprises."""

import json
from pathlib import Path
from typing import Any, NoReturn
from xml.etree import ElementTree as ET
from xml.parsers import expat

from sgcampp.errors import UserError


def read_bytes(path: Path) -> bytes:
    """The file's bytes.

    Raises:
        UserError: if it can't be read.
    """
    try:
        return path.read_bytes()
    except OSError as error:
        raise UserError(f"{path}: can't be read: {error.strerror}") from error


def read_text(path: Path) -> str:
    """The file as UTF-8 text, with or without a byte order mark.

    Raises:
        UserError: if it can't be read or is other text.
    """
    try:
        return read_bytes(path).decode("utf-8-sig")
    except UnicodeDecodeError as error:
        raise UserError(f"{path}: is not UTF-8 text") from error


def read_json(path: Path) -> Any:
    """The file's JSON; NaN and Infinity, which Python would accept, are refused.

    Raises:
        UserError: if it can't be read or is no JSON; names the line.
    """

    def refuse(constant: str) -> NoReturn:
        raise UserError(f"{path}: {constant} is no number of JSON")

    try:
        return json.loads(read_text(path), parse_constant=refuse)
    except UserError:
        raise
    except json.JSONDecodeError as error:
        raise UserError(f"{path}: line {error.lineno}: is not JSON: {error.msg}") from error
    except (RecursionError, ValueError) as error:  # nested too deep; a number of 4,300 digits
        raise UserError(f"{path}: is JSON that can't be read: {error}") from error


def read_xml(path: Path) -> ET.Element:
    """The file's root element; a document type, and with it every entity, is refused.

    An entity can stand for a file of this machine, or for another ten of them ten times over.

    Raises:
        UserError: if it can't be read, is no XML, or declares a document type; names the line.
    """
    builder = ET.TreeBuilder()
    parser = expat.ParserCreate()
    parser.buffer_text = True

    def refuse(*_: object) -> NoReturn:
        raise UserError(
            f"{path}: line {parser.CurrentLineNumber}: a document type (<!DOCTYPE>) and entities "
            "are not accepted"
        )

    parser.StartDoctypeDeclHandler = refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.data
    try:
        parser.Parse(read_bytes(path), True)
    except expat.ExpatError as error:
        what = expat.ErrorString(error.code)
        raise UserError(f"{path}: line {error.lineno}: is not XML: {what}") from error
    except UserError:
        raise
    except (LookupError, ValueError) as error:  # an encoding that Python or expat does not know
        raise UserError(f"{path}: is XML that can't be read: {error}") from error
    return builder.close()
