"""What a path or a URL leads to, and what is shown of it."""

import sys

import pytest

from sgcampp.errors import UserError
from sgcampp.storage.local import LocalStore
from sgcampp.storage.location import locate, on_this_machine, read_named, store_at
from sgcampp.storage.urls import is_url, redacted, without_secrets


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("s3://bucket/a b.jpg", "s3://bucket/a b.jpg"),
        ("https://user:pass@host:8080/a@b.jpg?X-Sig=s#f", "https://host:8080/a@b.jpg"),
        ("s3://AKIA:se/cr+et@bucket/x", "s3://bucket/x"),
        ("s3://AKIA:1234/cret@bucket/x", "s3://AKIA:1234/cret@bucket/x"),  # host, port, a name
        ("host://h:80/a@b", "host://h:80/a@b"),
        ("ftp://me@host/x", "ftp://host/x"),
        ("see 'https://u:p@h/x?k=v', and s3://k:s@b.", "see 'https://h/x', and s3://b."),
        ("simplecache::https://u:p@h/x?k=v", "simplecache::https://h/x"),
        ("what?.jpg", "what?.jpg"),
        ("me@home:/x?y", "me@home:/x?y"),
    ],
)
def test_secrets_are_taken_out_of_urls(text, shown):
    assert redacted(text) == shown


def test_secrets_are_taken_out_of_whole_configs():
    values = {"a": ["s3://k:s@b/x", 3], "b": {"c": "h://h/x?y=1"}, "d": None}
    assert without_secrets(values) == {"a": ["s3://b/x", 3], "b": {"c": "h://h/x"}, "d": None}


def test_paths_stay_paths(tmp_path):
    assert not is_url("C:/x") and not is_url("a:b") and not is_url(tmp_path)
    (tmp_path / "a b").write_bytes(b"1")
    for named in (tmp_path / "a b", str(tmp_path / "a b"), f"file://{tmp_path}/a%20b"):
        assert locate(named).read().data == b"1"
        assert isinstance(store_at(named), LocalStore)
    assert locate(tmp_path).below("a b").identity == locate(tmp_path / "." / "a b").identity


def test_fsspec_is_not_imported_for_paths(tmp_path):
    import subprocess

    code = "import sys; from sgcampp.storage.location import locate, store_at; locate('a'); "
    code += "store_at('b'); print('fsspec' in sys.modules)"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "False\n"


@pytest.mark.parametrize(
    ("url", "words"),
    [
        ("s3://k:s@bucket/x", r"s3://bucket/x needs .*pip install 'sgcampp\[s3\]'"),
        ("gs://bucket/x", r"pip install 'sgcampp\[gcs\]'"),
        ("abfs://c/x", r"pip install 'sgcampp\[azure\]'"),
        ("https://u:p@host/x", r"https://host/x .*pip install 'sgcampp\[http\]'"),
    ],
)
def test_a_missing_package_is_named(monkeypatch, url, words):
    monkeypatch.setitem(sys.modules, "fsspec.core", None)
    with pytest.raises(UserError, match=words):
        locate(url)


def test_an_unknown_kind_of_url_is_one_sentence():
    with pytest.raises(UserError, match="nope://x: Protocol not known: nope"):
        locate("nope://u:p@x?y")


def test_files_that_a_user_names_are_read_from_anywhere(tmp_path):
    locate("memory://named/a.yaml").write(b"1")
    assert read_named("memory://named/a.yaml", "config") == b"1"
    with on_this_machine("memory://named/a.yaml") as path:
        assert (path.name, path.read_bytes()) == ("a.yaml", b"1")
    assert not path.exists()
    for named in ("memory://named/none", tmp_path / "none"):
        with pytest.raises(UserError, match=r"config .*none can't be read"):
            read_named(named, "config")
    with (
        pytest.raises(UserError, match="none can't be read"),
        on_this_machine("memory://named/none"),
    ):
        pytest.fail("copied")
