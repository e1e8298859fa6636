"""The examples run alone, say where their pictures are, and the pictures show something."""

import os
import re
import subprocess
import sys
from pathlib import Path

import cv2
import pytest

pytestmark = pytest.mark.end_to_end

EXAMPLES = Path(__file__).parents[1] / "examples"
MADE = {
    "one_photograph.py": ["overlay.png", "top3.png"],
    "own_model.py": ["overlay.png", *(f"explained/overlays/{n}.png.png" for n in range(4))],
    "compare_layers.py": ["layers.png"],
}
"""Pictures that each example leaves in its directory."""
IN_DOCS = {"watermark.py": "strategies.md"}
"""Examples that a page runs, and test_docs with it."""


def run(example, *words, cwd):
    """Runs an example as a reader would; returns what it prints."""
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / example), *words],
        cwd=cwd,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
        capture_output=True,
        text=True,
        timeout=300,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout


def test_every_example_is_run():
    assert {path.name for path in EXAMPLES.glob("*.py")} == {*MADE, *IN_DOCS}
    for example, page in IN_DOCS.items():
        assert f"\npython examples/{example} " in (EXAMPLES.parent / "docs" / page).read_text()


@pytest.mark.parametrize("example", MADE)
def test_an_example_makes_its_pictures(example, tmp_path):
    said = run(example, "pictures", cwd=tmp_path)
    for name in MADE[example]:
        picture = cv2.imread(str(tmp_path / "pictures" / name))
        assert picture is not None, name
        assert min(picture.shape[:2]) >= 48
        assert picture.std() > 10, f"{name} is blank"
    places = re.findall(r"pictures/\S+", said)
    assert places
    assert all((tmp_path / place).exists() for place in places)


def test_a_photograph_of_ones_own(tmp_path, photographs):
    cv2.imwrite(str(tmp_path / "cup.png"), photographs["coffee"][..., ::-1])
    assert "espresso" in run("one_photograph.py", "out", "cup.png", cwd=tmp_path)
