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
Grad-CAM++ maps of 1 image and of a batch of 8; `score_cam_64`, the Score-CAM map of the layer's
first 64 feature maps.
"""

import argparse
import contextlib
import json
import os
import statistics
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

from scripts.bench.peer_workers import (
    ITEMS,
    LAYERS,
    PEERS,
    NotMeasurableError,
    Worker,
    contestant,
)
from scripts.machine import busy_seconds, machine_facts, shown

PAUSE = 0.3
"""Seconds between two work items, for the last one's threads to go to sleep."""
CALM = 0.1
"""Processors that other processes may keep busy in a round, else another round is run for it."""
MOST_ROUNDS = 3
"""Rounds run at most, as a multiple of those asked for."""


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
