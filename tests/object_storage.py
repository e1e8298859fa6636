"""S3 on this machine (moto's server), straight and by way of a proxy that breaks things."""

import http.client
import logging
import random
import threading
import time
import uuid
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer


def start_server():
    """Starts moto's S3; returns (URL, function that stops it)."""
    from moto.server import ThreadedMotoServer

    logging.getLogger("werkzeug").setLevel(logging.ERROR)

    server = ThreadedMotoServer("127.0.0.1", 0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    return f"http://{host}:{port}", server.stop


def bucket_at(url):
    """Makes a bucket of a new name."""
    name = f"b{uuid.uuid4().hex}"
    connection = http.client.HTTPConnection(url.removeprefix("http://"))
    connection.request("PUT", f"/{name}")
    assert connection.getresponse().status == 200
    connection.close()
    return name


class Faults:
    """What the proxy does to requests.

    Attributes:
        plan: called with (method, path) of each request; returns 500 or 503 to answer so, "cut"
            to send half of the body, "drop" to send nothing, a float to wait for so many seconds,
            or None to pass it on.
        seen: (method, path) of all requests.
    """

    def __init__(self):
        self.plan = lambda method, path: None
        self.seen = []

    def at_random(self, share, seed=0, kinds=(500, 503, "cut", "drop", 0.05)):
        rng = random.Random(seed)
        self.plan = lambda *_: rng.choice(kinds) if rng.random() < share else None

    def clear(self):
        self.__init__()


class Handler(BaseHTTPRequestHandler):
    """Passes requests on to `server.upstream`, except as `server.faults` wants it."""

    protocol_version = "HTTP/1.1"

    def handle_one(self):
        body = self._body()
        faults = self.server.faults
        faults.seen.append((self.command, self.path))
        fault = faults.plan(self.command, self.path)
        if fault in (500, 503):
            self._answer(fault, [], b"")
        elif fault == "drop":
            self.close_connection = True
        else:
            if isinstance(fault, float):
                time.sleep(fault)
            self._pass_on(body, cut=fault == "cut")

    def _pass_on(self, body, cut):
        connection = http.client.HTTPConnection(self.server.upstream)
        headers = {k: v for k, v in self.headers.items() if k != "Transfer-Encoding"}
        headers["Content-Length"] = str(len(body))
        connection.request(self.command, self.path, body, headers)
        answer = connection.getresponse()
        data = answer.read()
        connection.close()
        own = ("content-length", "transfer-encoding", "connection")
        kept = [(k, v) for k, v in answer.getheaders() if k.lower() not in own]
        length = answer.getheader("Content-Length") if self.command == "HEAD" else None
        self._answer(answer.status, kept, data, cut, length)

    def _body(self):
        if not self.headers.get("Transfer-Encoding"):
            return self.rfile.read(int(self.headers.get("Content-Length") or 0))
        data = b""
        while size := int(self.rfile.readline().split(b";")[0], 16):
            data += self.rfile.read(size)
            self.rfile.readline()
        while self.rfile.readline().strip():
            pass
        return data

    def _answer(self, status, headers, data, cut=False, length=None):
        self.send_response(status)
        for name, value in headers:
            self.send_header(name, value)
        self.send_header("Content-Length", length or str(len(data)))
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(data[: len(data) // 2] if cut else data)
        if cut and data:
            self.close_connection = True

    def log_message(self, *_):
        """Says nothing."""


for verb in ("GET", "PUT", "HEAD", "POST", "DELETE"):
    setattr(Handler, f"do_{verb}", Handler.handle_one)


@contextmanager
def proxy_to(url, faults):
    """A proxy on this machine; yields its URL."""
    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.upstream, server.faults = url.removeprefix("http://"), faults
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
