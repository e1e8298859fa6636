"""A tiny saved model, a few photographs and the command, in this process or in its own."""

import os
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace

import cv2
import numpy as np
import pytest
import tiny
from click.testing import CliRunner

LABELS = "tabby cat\ndog\ngoldfish\nwater bird\n"


@pytest.fixture(scope="session")
def given(tmp_path_factory):
    """A directory with m.keras, labels.txt, photos/{a,b,sub/c}.png, and some bad images."""
    directory = tmp_path_factory.mktemp("given")
    tiny.relu_cnn().model.save(directory / "m.keras")
    (directory / "labels.txt").write_text(LABELS)
    rng = np.random.default_rng(0)
    for name in ("photos/a", "photos/b", "photos/sub/c", "mixed/a", "mixed/z"):
        path = directory / f"{name}.png"
        path.parent.mkdir(parents=True, exist_ok=True)
        cv2.imwrite(str(path), rng.integers(0, 256, (12, 10, 3), np.uint8))
    (directory / "mixed" / "broken.jpg").write_bytes(b"\xff\xd8\xff\xe0 no picture")
    (directory / "mixed" / "empty.png").write_bytes(b"")
    (directory / "mixed" / "text.png").write_text("<html>404</html>")
    (directory / "empty").mkdir()
    return directory


@pytest.fixture
def out(tmp_path):
    return tmp_path / "out"


@pytest.fixture
def sgcampp(given, tmp_path, monkeypatch):
    """Runs the command in this process, where the given files are; OUT is a fresh directory.

    `explain(…)` adds the tiny model with its preprocessing settled, and `-o OUT`.
    """
    import cli.main

    monkeypatch.chdir(given)

    def run(*arguments):
        words = [str(tmp_path / "out") if word == "OUT" else str(word) for word in arguments]
        result = CliRunner().invoke(cli.main.main, words, prog_name="sgcampp")
        if result.exception and not isinstance(result.exception, SystemExit):
            raise result.exception
        return result

    def explain(*arguments):
        return run("explain", "--model", "m.keras", "--scale", "0.01", "-o", "OUT", *arguments)

    return SimpleNamespace(run=run, explain=explain)


@pytest.fixture
def process(given):
    """Runs the installed command in a process of its own."""
    command = Path(sys.executable).with_name("sgcampp")

    def run(*arguments, python=(), **environment):
        start = [sys.executable, *python] if python else [str(command)]
        return subprocess.run(
            [*start, *map(str, arguments)],
            cwd=given,
            env={**os.environ, **environment},
            capture_output=True,
            timeout=120,
            check=False,
        )

    return run


@pytest.fixture
def error():
    """Makes sure that a run was refused in one sentence, and returns it."""

    def error(result):
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        assert len(result.stderr.splitlines()) == 1, result.stderr
        assert result.stderr.startswith("sgcampp: ")
        assert "Traceback" not in result.stderr
        return result.stderr

    return error
