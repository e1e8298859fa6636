"""Seconds of other libraries over those of sgcampp, for the same network, layer, n and threads.

Usage: python -m scripts.bench.peers --model vgg16 --nsamples 50

Makes each peer an environment of its own from the package registry (once; torch comes as whatever
build pip finds, several GB where that is one for CUDA) and keeps a worker process running in each.
A round asks one worker after the other, never two at once, for the same work item, in an order that
turns round every time; a ratio is that of one round. The last column is how many processors other
processes kept busy meanwhile. Disturbed rounds are run again, up to three times as many as asked
for, and the calmest are shown; if the column still is well above 0, the figures say nothing (torch
suffers most, since its threads wait for each other). All run on the CPU of a Linux machine, in
float32 unless sgcampp's own --precision says otherwise, with random weights.

Work items: `smooth`, a Smooth Grad-CAM++ map with n samples; `grad_cam_pp_1` and `grad_cam_pp_8`,
Grad-CAM++ maps of 1 image and of a batch of 8.
"""

import argparse
import contextlib
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
import venv
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from scripts.machine import machine_facts, shown

WORKERS = Path(__file__).parent / "peers_in_venvs"
LAYERS = {
    "vgg16": "block5_conv3",
    "resnet50": "conv5_block3_out",
    "mobilenetv2": "block_13_expand_relu",
}
ITEMS = ("smooth", "grad_cam_pp_1", "grad_cam_pp_8")
CLASS_IDX = 0
PAUSE = 0.3
"""Seconds between two work items, for the last one's threads to go to sleep."""
CALM = 0.1
"""Processors that other processes may keep busy in a round, else another round is run for it."""
MOST_ROUNDS = 3
"""Rounds run at most, as a multiple of those asked for."""


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
    "torchcam": Peer(("torch==2.13.0", "torchcam==0.5.0"), "with_torchcam", ITEMS),
    "pytorch-grad-cam": Peer(
        ("torch==2.14.1", "torchvision==0.29.1", "grad-cam==1.5.7"),
        "with_pytorch_grad_cam",
        ITEMS[1:],
    ),
    "tf-keras-vis": Peer(
        ("tensorflow==2.21.0", "tf-keras-vis==0.8.7"), "with_tf_keras_vis", ITEMS[1:]
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


def start_all(
    options: argparse.Namespace, opened: contextlib.ExitStack
) -> tuple[list[Worker], dict[str, str]]:
    """The workers that run, sgcampp's first, and why others do not."""
    wanted = [("sgcampp", precision) for precision in options.precision]
    wanted += [(peer, "float32") for peer in options.peers]
    options.environments.mkdir(parents=True, exist_ok=True)
    workers: list[Worker] = []
    missing: dict[str, str] = {}
    for name, precision in wanted:
        label = f"{name} {precision}" if name == "sgcampp" else name
        log = options.environments / f"{label.replace(' ', '-')}.log"
        try:
            worker = Worker(contestant(name, options, precision), log)
        except NotMeasurableError as reason:
            missing[label] = str(reason)
            continue
        opened.callback(worker.close)
        workers.append(worker)
    return workers, missing


def busy_seconds() -> float:
    """Processor seconds that all processes of the machine have taken so far."""
    user, nice, system = Path("/proc/stat").read_text().split()[1:4]
    return (int(user) + int(nice) + int(system)) / os.sysconf("SC_CLK_TCK")


def run_watched(worker: Worker, item: str) -> dict[str, Any]:
    """Does a work item; adds the processors' worth that other processes took in the meantime."""
    time.sleep(PAUSE)
    begin, busy = time.perf_counter(), busy_seconds()
    answer = worker.run(item)
    others = busy_seconds() - busy - answer["processor_seconds"]
    return {**answer, "others": max(0.0, others / (time.perf_counter() - begin))}


def one_round(workers: list[Worker], item: str) -> dict[str, dict[str, Any]]:
    """Answers to a work item by worker, one after the other."""
    return {worker.name: run_watched(worker, item) for worker in workers}


def disturbance(answers: dict[str, dict[str, Any]]) -> float:
    """The most processors that other processes kept busy during a round's work."""
    return max(answer["others"] for answer in answers.values())


def calm_rounds(workers: list[Worker], item: str, repeats: int) -> list[dict[str, dict[str, Any]]]:
    """The calmest rounds of a work item: disturbed ones are made up for, up to a limit."""
    taking_part = [worker for worker in workers if item in worker.items]
    done: list[dict[str, dict[str, Any]]] = []
    while sum(disturbance(answers) <= CALM for answers in done) < repeats:
        if len(done) == repeats * MOST_ROUNDS:
            break
        done.append(one_round(taking_part[:: -1 if len(done) % 2 else 1], item))
    return sorted(done, key=disturbance)[:repeats]


def rows(workers: list[Worker], options: argparse.Namespace) -> Iterator[dict[str, Any]]:
    """One row for each work item and library, with ratios to each precision of sgcampp."""
    for item in options.items:
        rounds = calm_rounds(workers, item, options.repeats)
        names = [worker.name for worker in workers if item in worker.items]
        answers = {name: [answered[name] for answered in rounds] for name in names}
        seconds = {name: [answer["seconds"] for answer in of] for name, of in answers.items()}
        own = [name for name in seconds if name.startswith("sgcampp")]
        for name, taken in seconds.items():
            ratios = {
                base: [a / b for a, b in zip(taken, seconds[base], strict=True)] for base in own
            }
            yield {
                "item": item,
                "library": name,
                "seconds": statistics.median(taken),
                "all_seconds": taken,
                "over": {base: statistics.median(of) for base, of in ratios.items()},
                "all_ratios": ratios,
                "others": statistics.fmean(answer["others"] for answer in answers[name]),
                "map_shape": answers[name][0]["shape"],
                "finite": min(answer["finite"] for answer in answers[name]),
                "runs_a_round": answers[name][0]["runs"],
            }


def check_same_network(workers: list[Worker]) -> None:
    """Ends the program if the libraries do not run networks of the same number of weights."""
    weights = {worker.name: worker.about["weights"] for worker in workers}
    if len(set(weights.values())) > 1:
        sys.exit(f"the networks differ in their number of weights: {weights}")


def measure(options: argparse.Namespace) -> dict[str, Any]:
    """All that was asked for."""
    with contextlib.ExitStack() as opened:
        workers, missing = start_all(options, opened)
        check_same_network(workers)
        return {
            "model": options.model,
            "layer": LAYERS[options.model],
            "nsamples": options.nsamples,
            "threads": options.threads,
            "batch_size": options.batch_size,
            "channels_last": options.channels_last,
            "repeats": options.repeats,
            "libraries": {worker.name: worker.about for worker in workers},
            "results": list(rows(workers, options)),
            "not_measurable": missing,
        }


def print_table(report: dict[str, Any], facts: dict[str, Any]) -> None:
    """The report as a Markdown table."""
    print(f"# {shown(facts)}")
    print(
        "# {model} {layer} n={nsamples}, {threads} threads, B={batch_size}, medians of "
        "{repeats}".format(**report)
    )
    for name, about in report["libraries"].items():
        print(f"# {name}: {shown(about['versions'])}")
    own = [name for name in report["libraries"] if name.startswith("sgcampp")]
    head = ("item", "library", "seconds", *(f"÷ {base}" for base in own), "others' CPUs")
    print("| " + " | ".join(head) + " |")
    print("|---" * len(head) + "|")
    for row in report["results"]:
        ratios = [f"{row['over'][base]:.2f} {_span(row['all_ratios'][base])}" for base in own]
        note = "" if row["finite"] == 1 else f" ({row['finite']:.2%} finite)"
        cells = (row["item"], row["library"] + note, f"{row['seconds']:.3f}", *ratios)
        cells += (f"{row['others']:.2f}",)
        print("| " + " | ".join(cells) + " |")
    for name, reason in report["not_measurable"].items():
        print(f"{name}: not measurable: {reason}")


def _span(ratios: list[float]) -> str:
    return f"({min(ratios):.2f}–{max(ratios):.2f})"


def default_environments() -> Path:
    """Where environments are kept: the user's cache directory."""
    cache = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(cache) / "sgcampp" / "peers"


def _listed(text: str) -> list[str]:
    return text.split(",")


def parsed(arguments: Sequence[str] | None = None) -> argparse.Namespace:
    """The command line's options; lists are given with commas."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--model", choices=LAYERS, default="vgg16")
    parser.add_argument("--nsamples", type=int, default=50)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--peers", type=_listed, default=list(PEERS))
    parser.add_argument("--items", type=_listed, default=list(ITEMS))
    parser.add_argument("--threads", type=int, default=len(os.sched_getaffinity(0)))
    parser.add_argument("--batch-size", default="auto", help="sgcampp's B")
    parser.add_argument("--precision", type=_listed, default=["float32"], help="sgcampp's")
    parser.add_argument("--channels-last", action="store_true", help="torch's memory format")
    parser.add_argument("--environments", type=Path, default=default_environments())
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args(arguments)
    for name, known in (("peers", PEERS), ("items", ITEMS)):
        if unknown := set(getattr(options, name)) - set(known):
            parser.error(f"--{name}: unknown {', '.join(unknown)}; known: {', '.join(known)}")
    if options.batch_size != "auto":
        options.batch_size = int(options.batch_size)
    return options


def main() -> None:
    """Prints a table, or JSON."""
    options = parsed()
    report = measure(options)
    facts = machine_facts()
    if options.json:
        print(json.dumps({**report, "machine": facts}))
    else:
        print_table(report, facts)


if __name__ == "__main__":
    main()
