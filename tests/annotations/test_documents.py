"""Hostile and broken JSON and XML."""

import pytest

from sgcampp.annotations.documents import read_json, read_text, read_xml
from sgcampp.errors import UserError


def write(tmp_path, data):
    path = tmp_path / "document"
    path.write_bytes(data)
    return path


BILLION = b"""<?xml version="1.0"?>
<!DOCTYPE a [<!ENTITY a "ha"><!ENTITY b "&a;&a;&a;&a;"><!ENTITY c "&b;&b;&b;&b;">]>
<annotation>&c;</annotation>"""
FOREIGN = b'<!DOCTYPE a [<!ENTITY x SYSTEM "file:///etc/hostname">]><annotation>&x;</annotation>'
ELSEWHERE = b'<!DOCTYPE a SYSTEM "http://example.org/a.dtd"><annotation/>'


@pytest.mark.parametrize(
    "data, said",
    [
        (BILLION, "line 2: a document type (<!DOCTYPE>) and entities are not accepted"),
        (FOREIGN, "line 1: a document type"),
        (ELSEWHERE, "line 1: a document type"),
        (b"<a>&x;</a>", "line 1: is not XML: undefined entity"),
        (b"<a>\n<b></a>", "line 2: is not XML: mismatched tag"),
        (b"", "line 1: is not XML: no element found"),
        (b'<?xml version="1.0" encoding="none"?><a/>', "can't be read: unknown encoding: none"),
        (b'<?xml version="1.0" encoding="gbk"?><a/>', "multi-byte encodings are not supported"),
    ],
)
def test_bad_xml(tmp_path, data, said):
    with pytest.raises(UserError) as told:
        read_xml(write(tmp_path, data))
    assert said in str(told.value)


def test_xml_is_read(tmp_path):
    text = '<?xml version="1.0"?><a><b>x &amp; y</b></a>'
    for encoding in ("utf-8", "utf-8-sig", "utf-16"):
        assert read_xml(write(tmp_path, text.encode(encoding))).findtext("b") == "x & y"


def test_nested_a_million_times(tmp_path):
    read_xml(write(tmp_path, b"<a>" * 10**6 + b"</a>" * 10**6))
    with pytest.raises(UserError, match="is JSON that can't be read"):
        read_json(write(tmp_path, b"[" * 10**6))


@pytest.mark.parametrize(
    "data, said",
    [
        (b'{"a": 1,\n "b"}', "line 2: is not JSON"),
        (b"[NaN]", "NaN is no number of JSON"),
        (b"[-Infinity]", "-Infinity is no number of JSON"),
        (b"[" + b"1" * 5000 + b"]", "is JSON that can't be read: Exceeds the limit"),
        (b"", "line 1: is not JSON"),
        (b"\xff", "is not UTF-8 text"),
    ],
)
def test_bad_json(tmp_path, data, said):
    with pytest.raises(UserError) as told:
        read_json(write(tmp_path, data))
    assert said in str(told.value)


def test_a_byte_order_mark_is_no_text(tmp_path):
    assert read_text(write(tmp_path, b"\xef\xbb\xbfa")) == "a"
    assert read_json(write(tmp_path, b'\xef\xbb\xbf{"a": 1}')) == {"a": 1}
    with pytest.raises(UserError, match="can't be read: Is a directory"):
        read_text(tmp_path)
