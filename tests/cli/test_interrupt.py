"""SIGINT and SIGTERM in the middle of a real run with the embedded model."""

import json
import signal
import subprocess
import sys
import time
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.end_to_end

SGCAMPP = Path(sys.executable).parent / "sgcampp"
IMAGES = 24


@pytest.fixture
def photos(tmp_path, photographs):
    """Crops of real photographs."""
    (tmp_path / "photos").mkdir()
    for number in range(IMAGES):
        name = list(photographs)[number % len(photographs)]
        crop = photographs[name][number : number + 230, number : number + 230]
        cv2.imwrite(str(tmp_path / "photos" / f"{number:02d}.jpg"), crop[..., ::-1])
    return tmp_path / "photos"


def rows(out):
    part = out / "manifest" / "part-00000.jsonl"
    return part.read_text().splitlines() if part.exists() else []


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_leaves_rows_for_all_finished_images(photos, tmp_path, number):
    out = tmp_path / "out"
    line = [SGCAMPP, "explain", photos, "-o", out, "--nsamples", "8"]
    line += ["--layer-name", "block15_expand_act", "--write", "arrays"]
    process = subprocess.Popen(line, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    while len(rows(out)) < 3 and process.poll() is None:
        time.sleep(0.01)
    process.send_signal(number)
    printed, said = process.communicate()
    assert process.returncode == 130, said
    assert "the same command goes on" in said
    assert "Traceback" not in said
    done = [json.loads(row) for row in rows(out)]
    assert 3 <= len(done) < IMAGES
    assert len(printed.splitlines()) == len(done)
    for row in done:
        assert (out / row["maps"][0]["files"]["arrays"]).exists()
    again = subprocess.run(line, capture_output=True, text=True, check=False)
    assert again.returncode == 0
    assert f"{len(done)} done before" in again.stderr
    assert len({json.loads(row)["key"] for row in rows(out)}) == len(rows(out)) == IMAGES
