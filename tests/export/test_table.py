"""The table: a row a map with its image's fields, an evaluation's metrics beside it."""

import csv
import io
import json

import pyarrow.parquet as pq
import pytest
import yaml
from click.testing import CliRunner
from manifests import write_rows

import cli.main
from sgcampp.errors import UserError
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.evaluation.rows import to_line as evaluation_line
from sgcampp.export.table import table
from sgcampp.metrics.catalogue import METRICS
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.rows import FAILED, OK, MapRow, Row

RECORD = {
    "model_fingerprint": "f", "layers": ["block"], "batch_size": 4, "images_per_step": 2,
    "frozen": False, "images": 3, "target_sha256": None, "versions": {},
}  # fmt: skip
ODD = "caf\udce9.jpg"


def map_row(**values):
    kept = {"method": "grad_cam", "layer": "block", "shape": [7, 5], "class_idx": 3, "score": 2.5}
    return MapRow(**{**kept, "files": {"arrays": "arrays/x.npy"}, **values})


@pytest.fixture
def out(tmp_path):
    settings = {"write": ["arrays", "panels"], "recorded": RECORD}
    (tmp_path / "run.yaml").write_text(yaml.safe_dump(settings))
    write_rows(
        tmp_path,
        Row("a.jpg", FAILED, reason="empty", error="the file has zero bytes", finished=1.0),
        Row(ODD, FAILED, reason="corrupt", finished=1.0),
        Row(
            'b,"=1+1".jpg',
            OK,
            bytes=10,
            view=[0, 1.5, 10, 20],
            files={"panels": "panels/b.png"},
            finished=2.0,
            maps=[
                map_row(affine_head=True, filters=[3, 1], across={"nsamples": 5}),
                map_row(class_idx=4, class_name="é", against_idx=3, reason="no_gradient"),
            ],
        ),
        Row("a.jpg", OK, finished=3.0, maps=[map_row(score=-1.0)]),
    )
    return tmp_path


def evaluate(out, *rows, metrics=("insertion", "pxap")):
    (out / "evaluation").mkdir()
    (out / "evaluation/evaluation.yaml").write_text(yaml.safe_dump({"metrics": list(metrics)}))
    path = out / "evaluation/part-00000.jsonl"
    path.write_bytes(b"".join(map(evaluation_line, rows)))
    return path


def measured(key, value, **values):
    kept = {"method": "grad_cam", "layer": "block", "class_idx": 3}
    return EvaluationRow(key, **{**kept, "metrics": {"insertion": value}, **values})


def as_text(out, form="csv"):
    return b"".join(table(open_tree(out), form))


def as_csv(out):
    return list(csv.DictReader(io.StringIO(as_text(out).decode())))


def test_each_map_has_a_row_and_each_image_without_maps_one(out):
    rows = as_csv(out)
    assert [(row["key"], row["status"], row["score"]) for row in rows] == [
        ("a.jpg", "ok", "-1.0"),  # the later row holds
        ("caf\\udce9.jpg", "failed", ""),
        ('b,"=1+1".jpg', "ok", "2.5"),
        ('b,"=1+1".jpg', "ok", "2.5"),
    ]
    first, second = rows[2:]
    assert (first["h"], first["w"], first["affine_head"]) == ("7", "5", "true")
    assert (first["filters"], first["across"]) == ("[3, 1]", '{"nsamples": 5}')
    assert (first["view_top"], first["view_left"], first["view_width"]) == ("0", "1.5", "20")
    assert (first["arrays"], first["panels"]) == ("arrays/x.npy", "panels/b.png")
    assert (second["class_name"], second["against_idx"]) == ("é", "3")
    assert (second["reason"], second["flat_reason"]) == ("", "no_gradient")
    assert "heatmaps" not in first and "evaluated" not in first


def test_the_metrics_of_each_map_stand_beside_it(out):
    key = 'b,"=1+1".jpg'
    evaluate(
        out,
        measured("a.jpg", 0.5, finished=9.0),
        measured("a.jpg", 0.9, method="ref_ones"),
        measured(key, 0.25, across={"nsamples": 5}, filters=[3, 1]),
        measured(key, 0.75, class_idx=4, target=1, status="left_out"),
        measured("a.jpg", 0.1, finished=8.0),  # measured earlier: the other holds
        measured("gone.jpg", 1.0),
    )
    rows = as_csv(out)
    assert [row["insertion"] for row in rows] == ["0.5", "", "0.25", "0.75"]
    assert [row["evaluated"] for row in rows] == ["ok", "", "ok", "left_out"]
    assert "pxap" not in rows[0]  # one number for many maps, none for each


def test_a_torn_line_of_an_evaluation_says_nothing_and_a_damaged_one_is_told(out):
    path = evaluate(out, measured("a.jpg", 0.5))
    whole = path.read_bytes()
    path.write_bytes(whole[:-20])
    assert as_csv(out)[0]["insertion"] == ""
    path.write_bytes(whole[:-20] + b"\n")
    with pytest.raises(UserError, match=r"part-00000.jsonl.*no row of an evaluation"):
        as_csv(out)


def test_json_lines_and_parquet_say_the_same(out):
    evaluate(out, measured("a.jpg", 1))
    lines = [json.loads(line) for line in as_text(out, "jsonl").splitlines()]
    assert lines[1]["key"] == ODD
    assert (lines[2]["affine_head"], lines[2]["w"], lines[3]["affine_head"]) == (True, 5, None)
    read = pq.read_table(io.BytesIO(as_text(out, "parquet")))
    rows = read.to_pylist()
    assert rows[1].pop("key") == "caf\\udce9.jpg" and lines[1].pop("key")
    assert rows == lines
    assert {name: str(read.schema.field(name).type) for name in ("key", "h", "score")} == {
        "key": "string", "h": "int64", "score": "double"
    }  # fmt: skip
    assert str(read.schema.field("affine_head").type) == "bool"


@pytest.mark.parametrize(
    "damage",
    [
        '"score":"high"', '"guarded":1e400', '"view":[1]', '"view":[1,2,3,true]',
        f'"guarded":{10**30}', '"across":[3]', '"layer":[1]', f'"view":[1,2,3,{10**400}]',
    ],
)  # fmt: skip
@pytest.mark.parametrize("form", ["csv", "jsonl", "parquet"])
def test_a_value_of_another_type_is_one_sentence(out, damage, form):
    of_map = "{}" if "view" in damage else f"{{{damage}}}"
    line = f'{{"key":"z.jpg","status":"ok","maps":[{of_map}]'
    line += f",{damage}" if "view" in damage else ""
    (out / "manifest/part-00001.jsonl").write_text(line + "}\n")
    with pytest.raises(UserError, match=r"z\.jpg|part-00001"):
        as_text(out, form)


def test_no_column_stands_twice(out):
    every = [name for name, metric in METRICS.items() if not metric.pool]
    evaluate(out, metrics=every)
    header = as_text(out).splitlines()[0].decode().split(",")
    assert len(header) == len(set(header)) and set(every) < set(header)


def test_a_tree_without_images_has_a_header(tmp_path):
    (tmp_path / "run.yaml").write_text(yaml.safe_dump({"write": [], "recorded": RECORD}))
    assert as_text(tmp_path).startswith(b"key,status,") and as_text(tmp_path).count(b"\n") == 1
    assert as_text(tmp_path, "jsonl") == b""
    assert pq.read_table(io.BytesIO(as_text(tmp_path, "parquet"))).num_rows == 0


def sgcampp(*words):
    return CliRunner().invoke(cli.main.main, ["table", *map(str, words)])


def test_the_command_writes_to_stdout_or_a_file_whole(out, tmp_path):
    assert sgcampp(out).stdout_bytes == as_text(out)
    for name in ("t.parquet", "t.jsonl", "t.CSV"):
        result = sgcampp(out, "-o", tmp_path / name)
        assert result.exit_code == 0 and name in result.stderr and not result.stdout
        assert (tmp_path / name).read_bytes() == as_text(out, name[2:].lower())
    result = sgcampp(out, "--format", "jsonl", "-o", tmp_path / "t.csv")
    assert (tmp_path / "t.csv").read_bytes() == as_text(out, "jsonl")
    assert sgcampp(out, "--format", "csv", "-o", tmp_path / "t.txt").exit_code == 0
    (out / "manifest/part-00001.jsonl").write_text("{}\n")
    result = sgcampp(out, "--format", "csv", "-o", tmp_path / "t.txt")
    assert result.exit_code == 2 and "line 1 is not a manifest row" in result.stderr
    assert (tmp_path / "t.txt").read_bytes().startswith(b"key,")


def test_what_the_command_can_not_do_is_one_sentence(out, tmp_path, monkeypatch):
    result = sgcampp(out, "--format", "parquet")
    assert result.exit_code == 2 and "name a file with -o" in result.stderr
    for name in ("t.xlsx", "table"):
        result = sgcampp(out, "-o", tmp_path / name)
        assert result.exit_code == 2 and "accepted: .csv, .parquet, .jsonl" in result.stderr
        assert not (tmp_path / name).exists()
    monkeypatch.setitem(__import__("sys").modules, "pyarrow", None)
    result = sgcampp(out, "-o", tmp_path / "t.parquet")
    assert result.exit_code == 2 and "pip install 'sgcampp[parquet]'" in result.stderr
    assert not (tmp_path / "t.parquet").exists()
    result = sgcampp(tmp_path / "nowhere")
    assert result.exit_code == 2 and "no output tree" in result.stderr
