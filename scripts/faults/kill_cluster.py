"""Kills workers and drivers of runs with `--workers` at random, and compares what came of it.

Workers are killed while the run goes on; it must end well nevertheless. Drivers are killed and the
same command is given again; their workers must end with them. Images that several workers died of
are failed rows, by chance here; the last run tries them again. In the end the tree must equal that
of one undisturbed process byte for byte (arrays and pictures), with every image explained once and
no temporary file left. Exit code 0 if it does. With `--store s3` the tree is on a server of S3 on
this machine.
"""

import argparse
import logging
import os
import random
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from typing import Any

import fsspec
import psutil

from scripts.faults.crash_test import SGCAMPP, command, problems, rows_in
from scripts.generated_images import generate_images
from sgcampp.storage.growing import MARK, read_grown
from sgcampp.storage.location import store_at
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.rows import FAILED

QUIET: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
SAME = "the same tree as without any"
ENDING = 20.0
"""Seconds in which the workers of a dead driver must have ended."""


def workers_of(driver: int) -> list[psutil.Process]:
    """The worker processes of a driver: those of its children that hold TensorFlow."""
    try:
        children = psutil.Process(driver).children(recursive=True)
        return [child for child in children if child.memory_info().rss > 2e8]
    except psutil.NoSuchProcess:
        return []


def start_s3() -> str:
    """Starts a server of S3 that ends with this process; the URL of a bucket there."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)
    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    os.environ["AWS_ENDPOINT_URL"] = f"http://{host}:{port}"
    os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    fsspec.filesystem("s3").mkdir("bucket")
    return "s3://bucket"


def rows_at(out: str) -> int:
    """Rows in a manifest, wherever it is."""
    if "://" not in out:
        return rows_in(Path(out))
    time.sleep(0.2)  # for the server to have time for others
    store = store_at(out)
    try:
        parts = {entry.name.partition(MARK)[0] for entry in store.list("manifest")}
        grown = [part for one in parts for part in read_grown(store, f"manifest/{one}")]
    except FileNotFoundError:  # not there yet, or just now joined to one
        return 0
    return sum(part.count(b"\n") for part in grown)


def wait_for_rows(process: subprocess.Popen, out: str, more: int) -> bool:
    """Waits until a run has so many more rows; whether it is still running then."""
    wanted = rows_at(out) + more
    while process.poll() is None and rows_at(out) < wanted:
        time.sleep(0.02)
    return process.poll() is None


def kill_a_worker(process: subprocess.Popen, rng: random.Random) -> bool:
    """Kills one of a run's workers; whether there was one."""
    time.sleep(rng.uniform(0, 2))
    workers = workers_of(process.pid)
    if not workers or process.poll() is not None:
        return False
    rng.choice(workers).kill()
    return True


def kill_a_driver(process: subprocess.Popen, rng: random.Random) -> list[str]:
    """Kills a driver; what is wrong with its workers afterwards."""
    time.sleep(rng.uniform(0, 2))
    workers = workers_of(process.pid)
    if process.poll() is not None:
        return []
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    _, alive = psutil.wait_procs(workers, ENDING)
    for worker in alive:
        worker.kill()
    return [f"{len(alive)} workers outlived their driver"] * bool(alive)


def recorded(out: str) -> dict[str, list[dict[str, str]]]:
    """Digests of each image's files as its row has them, whatever the layout."""
    return {row.key: [of.sha256 for of in row.maps] for row in open_tree(out).rows()}


def main() -> int:
    """Runs the test and prints a verdict."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--worker-kills", type=int, default=20)
    parser.add_argument("--driver-kills", type=int, default=10)
    parser.add_argument("--images", type=int, default=1200)
    parser.add_argument("--store", choices=["local", "s3"], default="local")
    parser.add_argument("--workers", type=int, default=3)
    parser.add_argument("--layout", choices=["files", "tar"], default="files")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    rng = random.Random(options.seed)
    kills = ["worker"] * options.worker_kills + ["driver"] * options.driver_kills
    rng.shuffle(kills)
    with tempfile.TemporaryDirectory() as directory:
        source, here, whole = (Path(directory) / name for name in ("images", "out", "whole"))
        generate_images(source, options.images)
        layout = ["--layout", options.layout, "--shard-size", "8"]
        subprocess.run([*command(source, whole, None, None), *layout], check=True, **QUIET)
        out = f"{start_s3()}/out" if options.store == "s3" else str(here)
        line = [*command(source, out, None, None), *layout, "--workers", str(options.workers)]
        found, done = kill_all(line, out, kills, rng, options.images)
        lost = [row.key for row in open_tree(out).rows() if row.status == FAILED]
        found += wrong_end([*line, "--retry-failed"], out)
        if options.store == "s3":
            fsspec.filesystem("s3").get(out, str(here), recursive=True)
        found += problems(here, whole, options.images, mended=lost)
        found += ["rows differ in digests"] * (recorded(out) != recorded(str(whole)))
        found += [f"{len(kills) - done} kills found nothing to kill"] * (done < len(kills))
    print("\n".join(found) or f"ok: {done} kills, {len(lost)} images given up and mended, {SAME}")
    return 1 if found else 0


def wrong_end(line: list[str], out: str) -> list[str]:
    """Runs the command that ends all; what is wrong then."""
    end = subprocess.run(line, check=False, **QUIET)
    verified = subprocess.run([SGCAMPP, "verify", out], check=False).returncode
    found = [f"the last run ended with {end.returncode}"] * bool(end.returncode)
    return found + ["sgcampp verify complains"] * verified


def kill_all(
    line: list[str], out: str, kills: list[str], rng: random.Random, images: int
) -> tuple[list[str], int]:
    """Starts runs and kills as told, spread over the images; (what went wrong, kills done)."""
    found: list[str] = []
    done = 0
    step = max(1, images // (len(kills) + 1) // 2)
    process = None
    for kill in kills:
        if process is None or process.poll() is not None:
            process = subprocess.Popen(line, **QUIET)
        if not wait_for_rows(process, out, rng.randint(1, step)):
            break
        if kill == "worker":
            done += kill_a_worker(process, rng)
        else:
            found += kill_a_driver(process, rng)
            done += 1
        print(f"{kill} killed, {rows_at(out)} of {images} images", flush=True)
    if process is not None:
        process.wait()
    return found, done


if __name__ == "__main__":
    sys.exit(main())
