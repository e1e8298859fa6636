"""Other libraries, each in a virtual environment of its own with a process that waits for work."""

import argparse
import contextlib
import json
import os
import shutil
import subprocess
import sys
import venv
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

WORKERS = Path(__file__).parent / "peers_in_venvs"
LAYERS = {
    "vgg16": "block5_conv3",
    "resnet50": "conv5_block3_out",
    "mobilenetv2": "block_13_expand_relu",
}
ITEMS = ("smooth", "grad_cam_pp_1", "grad_cam_pp_8", "score_cam_64")
CLASS_IDX = 0


class NotMeasurableError(Exception):
    """A library that cannot be installed or run here, and why."""


@dataclass(frozen=True)
class Peer:
    """A library to compare with.

    Attributes:
        requirements: what pip installs.
        module: its work items, in scripts/bench/peers_in_venvs.
        items: the work items it can do.
    """

    requirements: tuple[str, ...]
    module: str
    items: tuple[str, ...]


PEERS = {
    "torchcam": Peer(("torch==2.13.0", "torchcam==0.5.0"), "with_torchcam", ITEMS[:3]),
    "pytorch-grad-cam": Peer(
        ("torch==2.14.1", "torchvision==0.29.1", "grad-cam==1.5.7"),
        "with_pytorch_grad_cam",
        ITEMS[1:],
    ),
    "tf-keras-vis": Peer(
        ("tensorflow==2.21.0", "tf-keras-vis==0.8.7"), "with_tf_keras_vis", ITEMS[1:3]
    ),
}


@dataclass(frozen=True)
class Contestant:
    """A library in its environment, as one worker runs it.

    Attributes:
        name: in the table.
        python: the interpreter of its environment.
        items: the work items it is asked for.
        settings: what worker.py reads.
    """

    name: str
    python: Path
    items: tuple[str, ...]
    settings: dict[str, Any]


class Worker:
    """A process that does work items of one library when asked."""

    def __init__(self, contestant: Contestant, log: Path) -> None:
        self.name, self.items, self._log = contestant.name, contestant.items, log
        with log.open("w") as stderr:
            self._process = subprocess.Popen(
                [contestant.python, WORKERS / "worker.py", json.dumps(contestant.settings)],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=stderr,
                text=True,
                env=_environment_variables(contestant.settings["threads"]),
            )
        try:
            self.about = self._answer()
            for item in self.items:  # the first time is the warm-up
                self.run(item)
        except NotMeasurableError:
            self.close()
            raise

    def run(self, item: str) -> dict[str, Any]:
        """Does a work item; its seconds and what its maps look like."""
        assert self._process.stdin
        with contextlib.suppress(BrokenPipeError):  # the answer then says what happened
            self._process.stdin.write(f"{item}\n")
            self._process.stdin.flush()
        return self._answer()

    def close(self) -> None:
        """Ends the process."""
        with contextlib.suppress(BrokenPipeError):
            self._process.communicate()

    def _answer(self) -> dict[str, Any]:
        assert self._process.stdout
        line = self._process.stdout.readline()
        if not line:
            code = self._process.wait()
            raise NotMeasurableError(
                f"exit code {code} ({self._log}): {_last_line(self._log.read_text())}"
            )
        return json.loads(line)


def _environment_variables(threads: int) -> dict[str, str]:
    """This process's, with the number of threads, and GPUs out of sight."""
    names = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS")
    hidden = {"CUDA_VISIBLE_DEVICES": "-1", "TF_CPP_MIN_LOG_LEVEL": "2"}
    return {**os.environ, **hidden, **dict.fromkeys(names, str(threads))}


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    return lines[-1] if lines else "no message"


def make_environment(name: str, requirements: Sequence[str], folder: Path) -> Path:
    """Makes a peer's environment unless it is there already; returns its interpreter."""
    place, stamp = folder / name, folder / name / "requirements.txt"
    python = place / "bin" / "python"
    wanted = "\n".join((f"# Python {sys.version.split()[0]}", *requirements, ""))
    if stamp.exists() and stamp.read_text() == wanted:
        return python
    print(f"# making an environment for {name}: {', '.join(requirements)}", file=sys.stderr)
    if place.exists():
        shutil.rmtree(place)
    venv.create(place, with_pip=True)
    installed = subprocess.run(
        [python, "-m", "pip", "install", "--quiet", *requirements],
        check=False,
        capture_output=True,
        text=True,
    )
    if installed.returncode:
        raise NotMeasurableError(f"pip: {_last_line(installed.stderr)}")
    stamp.write_text(wanted)
    return python


def contestant(name: str, options: argparse.Namespace, precision: str = "float32") -> Contestant:
    """A peer, or sgcampp in this environment at a precision."""
    peer = PEERS.get(name, Peer((), "with_sgcampp", ITEMS))
    python = Path(sys.executable)
    if peer.requirements:
        python = make_environment(name, peer.requirements, options.environments)
    items = tuple(item for item in options.items if item in peer.items)
    settings = {
        "module": peer.module,
        "model": options.model,
        "layer": LAYERS[options.model],
        "nsamples": options.nsamples,
        "batch_size": options.batch_size,
        "precision": precision,
        "channels_last": options.channels_last,
        "threads": options.threads,
        "class_idx": CLASS_IDX,
        "items": items,
    }
    return Contestant(name if peer.requirements else f"{name} {precision}", python, items, settings)
