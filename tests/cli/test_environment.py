"""What else may surround the command: another backend for Keras, an impatient Ctrl-C."""

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

SGCAMPP = Path(sys.executable).with_name("sgcampp")


@pytest.mark.parametrize("backend", ["torch", "jax", "nonsense", ""])
@pytest.mark.parametrize("words", [["layers", "m.keras"], ["explain", "photos", "-o", "OUT"]])
def test_another_backend_is_refused(sgcampp, error, monkeypatch, words, backend):
    monkeypatch.setenv("KERAS_BACKEND", backend)
    sentence = error(sgcampp.run(*words))
    assert sentence == f"sgcampp: KERAS_BACKEND is {backend!r}, accepted: tensorflow, or unset\n"


@pytest.mark.end_to_end
@pytest.mark.parametrize(
    ("command", "seconds"),
    [
        ("explain photos -o OUT --model m.keras", 0.3),
        ("explain photos -o OUT --model m.keras", 2.0),
        ("layers m.keras", 0.3),
        ("layers m.keras", 1.0),
    ],
)
def test_ctrl_c_while_starting_leaves_no_traceback(given, tmp_path, command, seconds):
    words = [str(tmp_path / "out") if word == "OUT" else word for word in command.split()]
    process = subprocess.Popen(
        [SGCAMPP, *words],
        cwd=given,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**os.environ, "TF_CPP_MIN_LOG_LEVEL": "3"},
    )
    time.sleep(seconds)
    process.send_signal(signal.SIGINT)
    _, said = process.communicate(timeout=60)
    # The signal ends a Python that has not come as far as our own first line.
    ended = {130, -signal.SIGINT} | ({0} if "layers" in command else set())
    assert process.returncode in ended, said
    assert b"Traceback" not in said
    assert b"Aborted" not in said


def test_the_package_is_the_command():
    done = subprocess.run(
        [sys.executable, "-m", "sgcampp", "--version"], capture_output=True, text=True, check=True
    )
    assert done.stdout.startswith("sgcampp, version ")
