"""stdout and stderr as shells leave them: a reader that has enough, a full disk, closed, ASCII."""

import json
import os
import subprocess
import sys
from dataclasses import asdict
from pathlib import Path

import pytest

from cli.progress import Progress
from cli.streams import printable
from sgcampp.config.run_config import RunConfig
from sgcampp.run.run_file import run_yaml
from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.rows import FAILED, OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord, versions

SGCAMPP = Path(sys.executable).with_name("sgcampp")
FAILURES = 3000
EXPLAIN = "explain photos --model m.keras --scale 0.01 --batch-size 1 --write arrays -o"


@pytest.fixture
def tree(tmp_path):
    """An output tree, made by hand, of 3000 failed images with a name in Greek each."""
    record = RunRecord("0" * 64, ["l"], 1, 1, False, FAILURES, None, versions())
    (tmp_path / RUN_YAML).write_bytes(run_yaml(RunConfig(), record))
    with manifest_writer(LocalStore(tmp_path), "manifest/part-00000.jsonl") as manifest:
        manifest.append(
            Row(f"φ{n}.jpg", FAILED, reason="empty", error="the file has zero bytes")
            for n in range(FAILURES)
        )
    return tmp_path


def shell(line, directory, **environment):
    """Runs a line of bash in which `sgcampp` is the installed command."""
    script = f'sgcampp() {{ "{SGCAMPP}" "$@"; }}\nset -o pipefail\n{line}'
    return subprocess.run(
        ["bash", "-c", script],
        cwd=directory,
        env={**os.environ, **environment},
        capture_output=True,
        timeout=120,
        check=False,
    )


@pytest.mark.parametrize("command", ["status .", "status . --json", "verify .", "models"])
def test_a_reader_that_has_enough_ends_a_command_quietly(tree, command):
    result = shell(f"sgcampp {command} | true; exit ${{PIPESTATUS[0]}}", tree)
    assert result.returncode in ({0, 1, 141} if command == "verify ." else {141}), result.stderr
    assert b"Traceback" not in result.stderr
    assert b"rror" not in result.stderr


@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", ["status .", "status . --json | tr , '\\n'"])
def test_head_gets_its_lines(tree, command, unbuffered):
    result = shell(f"sgcampp {command} | head -2", tree, PYTHONUNBUFFERED=unbuffered)
    assert result.stdout.count(b"\n") == 2
    assert (result.returncode, result.stderr) == (141, b"")


@pytest.mark.parametrize("command", ["status .", "status . --json"])
def test_a_full_disk_behind_stdout_is_said(tree, command):
    result = shell(f"sgcampp {command} >/dev/full", tree)
    assert result.returncode == 3
    assert result.stderr == b"sgcampp: stdout can't be written: No space left on device\n"


def test_a_full_disk_behind_stderr_stops_nothing(tree):
    result = shell("sgcampp verify . 2>/dev/full", tree)
    assert (result.returncode, result.stdout, result.stderr) == (0, b"", b"")


@pytest.mark.end_to_end
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
@pytest.mark.parametrize("command", ["status .", "report .", "models", "layers x"])
def test_closed_streams_are_no_matter(tree, command, closed):
    result = shell(f"sgcampp {command} {closed}", tree)
    assert result.returncode == (2 if command == "layers x" else 0)
    assert b"Traceback" not in result.stderr
    part = tree / "manifest" / "part-00000.jsonl"
    assert part.read_bytes().count(b"\n") == FAILURES


@pytest.mark.parametrize(
    "environment", [{"PYTHONIOENCODING": "ascii"}, {"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8"}]
)
def test_names_are_escaped_where_stdout_takes_ascii_alone(tree, environment):
    result = shell("sgcampp status .", tree, **environment)
    assert (result.returncode, result.stderr) == (0, b"")
    first = result.stdout.decode().split("\t")[1]
    ascii_alone = "PYTHONIOENCODING" in environment
    assert first == (r'"\u03c60.jpg"' if ascii_alone else "φ0.jpg")


class Terminal:
    """A stdout of some encoding."""

    def __init__(self, encoding):
        self.encoding = encoding


@pytest.mark.parametrize(
    ("name", "encoding", "words"),
    [
        ("é", "utf-8", "é"),
        ("é", "latin-1", "é"),
        ("é", "ascii", r'"\u00e9"'),
        ("猫", "latin-1", r'"\u732b"'),
        ("a\nb", "utf-8", r'"a\nb"'),
        ("\udce9", "utf-8", r'"\udce9"'),
        ("é", None, "é"),
    ],
)
def test_printable(monkeypatch, name, encoding, words):
    monkeypatch.setattr("sys.stdout", Terminal(encoding))
    assert printable(name) == words


def test_a_line_a_map_says_what_was_explained(capsys):
    panel = {"panels": "panels/a.png"}
    maps = [
        MapRow(class_idx=1, class_name="dog", probability=0.5, method=method)
        for method in ("grad_cam", "grad_cam_pp")
    ]
    contrast = MapRow(
        {"arrays": "a.npy", "overlays": "o.png"}, class_idx=1, against_idx=2, against_name="cat"
    )
    progress = Progress(as_json=False)
    progress.finish(Row("a", OK, files=panel, maps=maps))
    progress.finish(Row("b", OK, maps=[contrast]))
    progress.finish(Row("c", OK, note="no class is that likely"))
    assert capsys.readouterr().out.splitlines() == [
        "a\tdog\t0.500\tpanels/a.png",
        "b\tclass 1 against cat\t\to.png",
        "c\tno class is that likely\t\t",
    ]


def test_json_prints_whole_rows(capsys):
    row = Row("é", OK, maps=[MapRow(layer="l", shape=[7, 7])])
    Progress(as_json=True).finish(row)
    assert json.loads(capsys.readouterr().out) == asdict(row)


@pytest.mark.end_to_end
def test_a_reader_that_leaves_stops_a_run_with_its_rows_recorded(given, out):
    """`true` has left before the first line; `head -1` may outlive a run of three images."""
    result = shell(f"sgcampp {EXPLAIN} {out} | true", given)
    assert result.returncode == 141, result.stderr
    assert b"Traceback" not in result.stderr
    assert b"can't be" not in result.stderr
    rows = (out / "manifest" / "part-00000.jsonl").read_text().splitlines()
    assert 1 <= len(rows) <= 3
    again = shell(f"sgcampp {EXPLAIN} {out}", given)
    assert again.returncode == 0, again.stderr


@pytest.mark.end_to_end
def test_a_full_disk_behind_stdout_is_not_blamed_on_the_output_tree(given, out):
    result = shell(f"sgcampp {EXPLAIN} {out} >/dev/full", given)
    assert result.returncode == 3
    last = result.stderr.decode().splitlines()[-1]
    assert last == "sgcampp: stdout can't be written: No space left on device"
    assert len((out / "manifest" / "part-00000.jsonl").read_text().splitlines()) == 1


@pytest.mark.end_to_end
def test_a_run_with_closed_streams_writes_whole_files(given, out):
    result = shell(f"sgcampp {EXPLAIN} {out} <&- >&- 2>&-", given)
    assert result.returncode == 0
    rows = (out / "manifest" / "part-00000.jsonl").read_text().splitlines()
    assert [json.loads(row)["status"] for row in rows] == [OK] * 3
    assert shell(f"sgcampp verify {out}", given).returncode == 0
