"""Every command and every Python block of the documentation is run as it stands."""

import re
import shlex
from pathlib import Path

import cv2
import numpy as np
import pytest
from click.testing import CliRunner

from cli.main import main

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[1]
BY_CI = ("make demo", "make test", "pip install .")


def blocks(language):
    return re.findall(rf"```{language}\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)


def commands():
    lines = [
        line.partition(" #")[0].strip() for block in blocks("sh") for line in block.splitlines()
    ]
    return [line for line in lines if line]


@pytest.fixture(scope="module")
def newcomer(tmp_path_factory, photographs):
    """A directory as the README assumes it: photo.jpg, photos/, run.yaml."""
    home = tmp_path_factory.mktemp("newcomer")
    (home / "photos").mkdir()
    for name in ("chelsea", "rocket"):
        small = cv2.resize(photographs[name], (160, 120), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(home / "photos" / f"{name}.jpg"), small[..., ::-1])
    cv2.imwrite(str(home / "photo.jpg"), photographs["chelsea"][..., ::-1])
    (home / "run.yaml").write_text((ROOT / "configs" / "smoke.yaml").read_text())
    return home


def test_commands_of_the_readme(newcomer, monkeypatch):
    monkeypatch.chdir(newcomer)
    ran = 0
    for command in commands():
        program, *arguments = shlex.split(command)
        if command in BY_CI:
            continue
        assert program == "sgcampp", command
        result = CliRunner().invoke(main, arguments)
        assert result.exit_code == 0, (command, result.output)
        ran += 1
    assert ran >= 8
    assert len(list((newcomer / "out" / "maps" / "arrays").glob("*.npy"))) == 2 * 4
    assert len(list((newcomer / "out" / "top3" / "overlays").glob("*.png"))) == 2 * 3


def test_ci_runs_the_other_commands():
    makefile = (ROOT / "Makefile").read_text()
    ci = (ROOT / ".ci" / "run").read_text()
    for command in BY_CI[:2]:
        assert command in ci
        assert f"\n{command.split()[1]}:" in makefile


def test_python_of_the_readme(capsys):
    names: dict = {}
    for block in blocks("python"):
        exec(compile(block, "README.md", "exec"), names)
    assert "cat" in capsys.readouterr().out
    assert names["saliency"].shape == (14, 14)
    assert np.isfinite(names["found"].maps).all()
    assert names["picture"].shape == names["image"].shape


def test_every_command_stands_in_the_readme():
    text = (ROOT / "README.md").read_text()
    for name in main.list_commands(None):
        assert f"sgcampp {name}" in text, name
