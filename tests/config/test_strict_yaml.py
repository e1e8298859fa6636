import itertools
import math

import pytest

from sgcampp.config.strict_yaml import read_mapping
from sgcampp.errors import UserError


@pytest.fixture
def read(tmp_path):
    """Writes text or bytes to a file and reads it as a mapping."""
    path = tmp_path / "given.yaml"

    def read(content):
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return read_mapping(path)

    return read


def refused(read, content, words):
    with pytest.raises(UserError, match=words) as error:
        read(content)
    assert "given.yaml" in str(error.value)
    assert "\n" not in str(error.value) and len(str(error.value)) < 500


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("1e-3", 0.001),
        ("1E5", 1e5),
        ("1e+22", 1e22),
        ("-1.5e-07", -1.5e-07),
        (".5", 0.5),
        ("5.", 5.0),
        ("+3", 3),
        ("-0", 0),
        (".inf", math.inf),
        ("-.Inf", -math.inf),
        ("true", True),
        ("False", False),
        ("null", None),
        ("NULL", None),
        ("~", None),
        ("", None),
        ("[1, [2, 3]]", [1, [2, 3]]),
    ],
)
def test_numbers_and_words_of_yaml_1_2(read, text, value):
    got = read(f"key: {text}\n")["key"]
    assert got == value and type(got) is type(value)
    assert math.isnan(read("key: .nan")["key"])


@pytest.mark.parametrize(
    "text",
    ["off", "on", "yes", "no", "y", "N", "010", "0x1F", "0o17", "0b11", "1_000", "1:30", "1e", "e5",
     "2020-01-01", "12:30:45", "nan", "inf", "<<", "=", "-", "1.2.3", "tRUE"],
)  # fmt: skip
def test_what_only_looks_like_something_else_is_text(read, text):
    assert read(f"key: {text!r}")["key"] == text
    if text not in {"-"}:
        assert read(f"key: {text}")["key"] == text


def test_tuples_do_not_become_numbers(read):
    assert read("key: [(0,10),(12,12)]")["key"] == ["(0", "10)", "(12", "12)"]


def test_numbers_too_long_to_be_settings_stay_text(read):
    assert read("key: " + "9" * 100)["key"] == int("9" * 100)
    assert read("key: " + "9" * 101)["key"] == "9" * 101
    assert read("key: " + "9" * 10_000)["key"] == "9" * 10_000


def test_a_key_that_stands_twice_is_refused_with_its_line(read):
    refused(read, "a: 1\nb: 2\na: 1\n", "line 3: key 'a' stands twice")
    refused(read, "a:\n  b: {c: 1, c: 2}\n", "line 2: key 'c' stands twice")
    refused(read, "a: 1\n'a': 1\n", "line 2: key 'a' stands twice")


@pytest.mark.parametrize("key", ["[1]", "{a: 1}", "[[1], {b: 2}]"])
def test_lists_are_no_keys(read, key):
    refused(read, f"{key}: 1\n", "line 1: a key is not text")
    refused(read, f"a:\n  ? {key}\n  : 1\n", "line 2: a key is not text")


@pytest.mark.parametrize(
    "value",
    ["!!python/object/apply:os.system ['touch hacked']", "!!python/name:os.system", "!mine x",
     "!!bool maybe", "!!int x", "!!int '9'", "!!float x", "!!timestamp never",
     "!!timestamp 2020-13-45", "!!set {1, 2}", "!!binary '?'", "!!omap [1]", "! x", "!!str 5"],
)  # fmt: skip
def test_tags_are_refused(read, value, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    refused(read, f"a: 1\nkey: {value}\n", "line 2: aliases .* and tags .* are not accepted")
    assert [path.name for path in tmp_path.iterdir()] == ["given.yaml"]


def test_aliases_are_refused_and_with_them_their_bombs(read):
    names = "abcdefghijklm"
    bomb = "a: &a [x, x, x, x, x, x, x, x, x]\n" + "".join(
        f"{name}: &{name} [{', '.join([f'*{before}'] * 9)}]\n"
        for before, name in itertools.pairwise(names)
    )
    for content in (bomb, "a: &a [*a]", "&a {a: *a}", "a: *b", "a: &x {b: 1}\n<<: *x"):
        refused(read, content, "aliases .* are not accepted")
    assert read("a: &unused 3") == {"a": 3}


@pytest.mark.parametrize("opening", ["[", "{a: ", "- ", "? ", "[{a: "])
@pytest.mark.parametrize("closed", [False, True])
def test_deep_nesting_is_refused(read, opening, closed):
    depth = 20_000
    closing = {"[": "]", "{a: ": "}", "[{a: ": "}]"}.get(opening, "")
    refused(read, "a: " * (opening[0] in "[{") + opening * depth + closing * depth * closed, "deep")
    assert read("a: " + "[" * 50 + "]" * 50)


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"a: \xe9", "is not UTF-8 text"),
        ("a: 1\n".encode("utf-16"), "is not UTF-8 text"),
        (b"\x89PNG\r\n\x1a\n", "is not UTF-8 text"),
        ("a: \x00", "is not YAML: unacceptable character"),
        ("a: \x7f", "is not YAML: unacceptable character"),
        ("a:\tb\n\tc: d", "line 1: "),
        ("a: [1, 2\nb: 3", "line 2: "),
        ("a: 'x", "line 1: "),
        ("a: b: c", "line 1: "),
        ("a: 1\n  b: 2", "line 2: "),
        ("a: 1\n---\nb: 2", "line 2: .*another document"),
        ("%YAML 9.9\n---\na: 1", "line 1: "),
        ("- a\n- b", "is not a list of `key: value` lines"),
        ("hello", "is not a list of `key: value` lines"),
        ("3", "is not a list of `key: value` lines"),
        ("[a: 1]", "is not a list of `key: value` lines"),
    ],
)
def test_what_is_no_mapping_in_yaml_is_refused_in_one_line(read, content, words):
    refused(read, content, words)


@pytest.mark.parametrize("content", ["", "\n", "# nothing\n", "---\n", "null", "{}"])
def test_nothing_is_an_empty_mapping(read, content):
    assert read(content) == {}


def test_a_byte_order_mark_and_windows_lines_do_not_matter(read):
    assert read(b"\xef\xbb\xbfa: 1\r\nb: x\r\n") == {"a": 1, "b": "x"}


def test_files_that_cannot_be_read_are_named(tmp_path):
    with pytest.raises(UserError, match=r"none\.yaml: can't be read: No such file"):
        read_mapping(tmp_path / "none.yaml")
    with pytest.raises(UserError, match="can't be read: Is a directory"):
        read_mapping(tmp_path)
