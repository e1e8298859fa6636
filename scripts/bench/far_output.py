"""Images a second with the output on S3, over the same with a local one, at 20 ms a request.

S3 is a small server in a process of its own, which answers each request after a delay. What S3
itself computes costs this machine nothing; so the server has, on Linux, but the time that nobody
else wants, and is late rather than in the way. Both runs are by the same engine, in turn, and long
enough for the first and last requests, which nothing overlaps, to be a small part.
"""

import argparse
import asyncio
import json
import multiprocessing
import os
import re
import statistics
import sys
import tempfile
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import cast
from urllib.parse import parse_qs, unquote, urlsplit
from xml.sax.saxutils import escape

from scripts.bench.pipeline import LAYER, Clock
from scripts.generated_images import generate_images
from scripts.machine import machine_facts, shown

OBJECTS: dict[str, bytes] = {}


class Connection(asyncio.Protocol):
    """Answers requests, one at a time, each after a delay; by callbacks, which cost the least."""

    def __init__(self, delay: float) -> None:
        self._delay, self._read = delay, bytearray()
        self._head: tuple[str, str, dict[str, str]] | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Keeps where answers go."""
        self._to = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        """Takes in a part of a request."""
        self._read += data
        if self._head is None:
            head, end, body = bytes(self._read).partition(b"\r\n\r\n")
            if not end:
                return
            first, *lines = head.decode("latin-1").split("\r\n")
            method, target, _ = first.split(" ")
            headers = {k.lower(): v.strip() for k, _, v in (line.partition(":") for line in lines)}
            self._head, self._read = (method, target, headers), bytearray(body)
            if headers.get("expect"):
                self._to.write(b"HTTP/1.1 100 Continue\r\n\r\n")
        if len(self._read) >= int(self._head[2].get("content-length") or 0):
            asyncio.get_running_loop().call_later(self._delay, self._answer)

    def _answer(self) -> None:
        assert self._head
        method, target, headers = self._head
        body, self._read, self._head = bytes(self._read), bytearray(), None
        status, data = answer(method, target, headers, body)
        size = len(OBJECTS.get(path_of(target), b"")) if method == "HEAD" else len(data)
        facts = f"Content-Length: {size}\r\nLast-Modified: Wed, 01 Jan 2025 00:00:00 GMT\r\n"
        self._to.write(f'HTTP/1.1 {status} x\r\n{facts}ETag: "0"\r\n\r\n'.encode() + data)


def path_of(target: str) -> str:
    """The object that a request is about."""
    return unquote(urlsplit(target).path).strip("/")


def answer(method: str, target: str, headers: dict[str, str], body: bytes) -> tuple[int, bytes]:
    """Status and body of an answer: as much of S3 as a run needs."""
    path, query = path_of(target), parse_qs(urlsplit(target).query, keep_blank_values=True)
    if method == "PUT":
        if headers.get("if-none-match") and path in OBJECTS:
            return 412, b"<Error><Code>PreconditionFailed</Code></Error>"
        OBJECTS[path] = dechunked(body) if "x-amz-decoded-content-length" in headers else body
        return 200, b""
    if method == "DELETE":
        OBJECTS.pop(path, None)
        return 204, b""
    if "list-type" in query:
        return 200, listed(path, query)
    if method == "HEAD":
        return (200 if path in OBJECTS else 404), b""
    return got(path, headers.get("range", ""))


def got(path: str, wanted: str) -> tuple[int, bytes]:
    """The answer to a GET of an object, or of a range of it."""
    if path not in OBJECTS:
        return 404, b"<Error><Code>NoSuchKey</Code></Error>"
    data, found = OBJECTS[path], re.match(r"bytes=(\d+)-(\d*)", wanted)
    if not found:
        return 200, data
    return 206, data[int(found[1]) : int(found[2] or len(data)) + 1]


def dechunked(body: bytes) -> bytes:
    """The data of a body in signed chunks."""
    data, at = b"", 0
    while True:
        end = body.index(b"\r\n", at)
        size = int(body[at:end].split(b";")[0], 16)
        if not size:
            return data
        data += body[end + 2 : end + 2 + size]
        at = end + 2 + size + 2


def listed(bucket: str, query: dict[str, list[str]]) -> bytes:
    """The answer to a listing."""
    prefix, delimiter = query.get("prefix", [""])[0], query.get("delimiter", [""])[0]
    contents, prefixes = [], set()
    for key in sorted(key[len(bucket) + 1 :] for key in OBJECTS if key.startswith(f"{bucket}/")):
        if not key.startswith(prefix):
            continue
        head, found, _ = key[len(prefix) :].partition(delimiter) if delimiter else (key, "", "")
        if found:
            prefixes.add(prefix + head + delimiter)
            continue
        size = len(OBJECTS[f"{bucket}/{key}"])
        contents.append(
            f"<Contents><Key>{escape(key)}</Key><Size>{size}</Size>"
            "<LastModified>2025-01-01T00:00:00Z</LastModified></Contents>"
        )
    common = [f"<CommonPrefixes><Prefix>{escape(p)}</Prefix></CommonPrefixes>" for p in prefixes]
    whole = "".join([*contents, *sorted(common)])
    return f"<ListBucketResult><IsTruncated>false</IsTruncated>{whole}</ListBucketResult>".encode()


def run_server(tell: Pipe, delay: float) -> None:
    """Serves until the process is ended; tells its port."""
    if sys.platform == "linux":
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))

    async def forever() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(lambda: Connection(delay), "127.0.0.1", 0)
        tell.send(server.sockets[0].getsockname()[1])
        await server.serve_forever()

    asyncio.run(forever())


def rate(source: Path, out: str, options: argparse.Namespace) -> float:
    """Images a second of a run, start-up aside."""
    from sgcampp.config.run_config import RunConfig
    from sgcampp.pipeline import run

    config = RunConfig(
        sources=[str(source)],
        out=out,
        nsamples=options.nsamples,
        layer_name=[LAYER],
        batch_size=options.batch_size,
        layout=options.layout,
    )
    clock = Clock()
    run(config, clock)
    return options.images / (clock.end - clock.begin)


def main() -> None:
    """Prints the ratio of the two rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=480)
    parser.add_argument("--nsamples", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--delay", type=float, default=0.02, help="seconds a request")
    parser.add_argument("--layout", default="files")
    parser.add_argument("--repeats", type=int, default=3)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    hear, tell = multiprocessing.Pipe(False)
    server = multiprocessing.get_context("spawn").Process(
        target=run_server, args=(tell, options.delay), daemon=True
    )
    server.start()
    os.environ["AWS_ENDPOINT_URL"] = f"http://127.0.0.1:{hear.recv()}"
    os.environ["AWS_ACCESS_KEY_ID"] = os.environ["AWS_SECRET_ACCESS_KEY"] = "testing"
    os.environ["AWS_DEFAULT_REGION"] = "us-east-1"
    rates = []
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "images")
        generate_images(source, options.images)
        for number in range(options.repeats):
            here, there = f"{directory}/out{number}", f"s3://bucket/out{number}"
            rates.append((rate(source, there, options), rate(source, here, options)))
    server.kill()
    ratios = [there / here for there, here in rates]
    result = {
        **vars(options),
        "there": statistics.median(there for there, _ in rates),
        "here": statistics.median(here for _, here in rates),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }
    if options.json:
        print(json.dumps({**result, "machine": machine_facts()}))
        return
    print(f"# {shown(machine_facts())}")
    print(
        "{images} photographs, n={nsamples}, B={batch_size}, {delay} s a request, {layout}: "
        "{there:.2f} images/s of {here:.2f} locally, {ratio:.3f} {ratios}".format(**result)
    )


if __name__ == "__main__":
    main()
