"""Images in Parquet files: names, classes, nulls, and lies."""

import io
import random

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from archives import parquet
from image_samples import example

from sgcampp.errors import UserError
from sgcampp.images.decode import read_image
from sgcampp.images.faults import ImageError, Reason
from sgcampp.images.find import find_images
from sgcampp.storage.store import TooLarge

PNG = example("PNG")


def cell(path, data=PNG):
    return {"bytes": data, "path": path}


def listed(path, **rules):
    return list(find_images([path], **rules))


def test_rows_are_called_by_their_paths_where_these_tell_them_apart(tmp_path):
    cells = [cell("a/tom.jpg"), cell("tom.jpg"), cell("tom.jpg"), cell(None), cell("../x.png")]
    cells += [cell("tom~00000002.jpg"), cell("/etc/p.png"), cell("noext"), cell("noext")]
    found = listed(parquet(tmp_path / "a.parquet", cells))
    assert [one.key for one in found] == [
        "a/tom.jpg", "tom.jpg", "tom~00000002.jpg", "00000003", "00000004",
        "tom~00000002~00000005.jpg", "00000006", "noext", "noext~00000008",
    ]  # fmt: skip
    assert all(read_image(one.place).rgb.shape == (40, 60, 3) for one in found)
    assert [one.key for one in listed(tmp_path / "a.parquet", glob=["a/*"])] == ["a/tom.jpg"]


def test_labels_are_names_where_the_dataset_tells_them(tmp_path):
    cells = [cell(f"{n}.png") for n in range(4)]
    labels = [1, 0, None, 7]
    named = listed(parquet(tmp_path / "a.parquet", cells, labels, ["cat", "dog"]))
    assert [one.label for one in named] == ["dog", "cat", None, "7"]
    bare = listed(parquet(tmp_path / "b.parquet", cells, labels))
    assert [one.label for one in bare] == ["1", "0", None, "7"]
    assert [one.label for one in listed(parquet(tmp_path / "c.parquet", cells))] == [None] * 4


def test_rows_are_read_in_any_order(tmp_path, monkeypatch):
    monkeypatch.setattr("sgcampp.images.parquet_files._KEPT_ROWS", 5)
    data = [b"%05d" % n * n for n in range(40)]
    found = listed(parquet(tmp_path / "a.parquet", [cell(None, d) for d in data], rows=17))
    order = [*range(40), 3, 39, 0, 17, 16, 18, 2]
    assert [found[n].place.read().data for n in order] == [data[n] for n in order]
    with pytest.raises(TooLarge):
        found[39].place.read(10)
    facts = found[0].place.look()
    assert facts.mtime_ns == (tmp_path / "a.parquet").stat().st_mtime_ns


def test_a_column_of_plain_bytes_will_do(tmp_path):
    pq.write_table(pa.table({"image": [PNG, PNG]}), tmp_path / "a.parquet")
    found = listed(tmp_path / "a.parquet")
    assert [one.key for one in found] == ["00000000", "00000001"]
    assert read_image(found[1].place).rgb.shape == (40, 60, 3)


def test_nulls_are_rows_with_reasons(tmp_path):
    cells = [None, cell("a.png", None), cell("b.png", b""), cell("c.png")]
    found = listed(parquet(tmp_path / "a.parquet", cells))
    assert [one.key for one in found] == ["00000000", "a.png", "b.png", "c.png"]
    for one in found[:3]:
        with pytest.raises(ImageError) as info:
            read_image(one.place)
        assert info.value.reason is Reason.EMPTY
    assert read_image(found[3].place).bytes == len(PNG)


@pytest.mark.parametrize(
    ("columns", "words"),
    [
        ({"picture": [PNG]}, "no column `image`.*its columns are picture"),
        ({"image": [1]}, "no column `image`"),
        ({"image": [{"path": "a.png"}]}, "no column `image`"),
    ],
)
def test_other_tables_are_one_sentence(tmp_path, columns, words):
    pq.write_table(pa.table(columns), tmp_path / "a.parquet")
    with pytest.raises(UserError, match=words):
        listed(tmp_path / "a.parquet")


def test_what_is_no_parquet_file_or_needs_a_package_is_one_sentence(tmp_path, monkeypatch):
    (tmp_path / "a.parquet").write_bytes(b"PAR1 or so")
    with pytest.raises(UserError, match=r"a\.parquet: can't be read"):
        listed(tmp_path / "a.parquet")
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    with pytest.raises(UserError, match=r"pip install 'sgcampp\[parquet\]'"):
        listed(tmp_path / "a.parquet")


def test_lies_and_damage_are_rows_or_a_sentence(tmp_path):
    """Footers that lie about counts and sizes, pages that lie about theirs, holes anywhere."""
    whole = io.BytesIO()
    parquet(whole, [cell(f"{n}.png") for n in range(7)], list(range(7)))
    rng = random.Random(0)
    path, seen = tmp_path / "a.parquet", set()
    for _ in range(150):
        data = bytearray(whole.getvalue())
        for _ in range(rng.randrange(1, 4)):
            data[rng.randrange(4, len(data) - 8)] = rng.randrange(256)
        path.write_bytes(data)
        try:
            found = listed(path)
        except UserError:
            seen.add("a sentence")
            continue
        assert len({one.key for one in found}) == len(found)
        for one in found:
            try:
                if one.place is not None:
                    read_image(one.place)
            except ImageError as error:
                seen.add(error.reason)
            if one.error:
                seen.add("the rest")
    assert {"a sentence", Reason.CORRUPT} <= seen
