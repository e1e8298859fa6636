"""Locks where nobody tells who has died: each is held for a while, and renewed by its holder.

Beside the lock's own file, which has its mark, lie leases: small files that say until when they
hold. An exclusive lease has a number, and can only be made if there is none of that number; the
highest one counts. A shared lease has a random name. Who takes one announces it first and looks at
the others' then, so of two that exclude each other at most one gets it.
"""

import errno
import json
import os
import secrets
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from sgcampp.storage.store import Busy, beside

if TYPE_CHECKING:
    from sgcampp.storage.remote import RemoteStore

SECONDS = 30.0
"""How long a lease holds; clocks may differ by half of that."""
_RENEWALS = 5
_POLL = 0.5
EXCLUSIVE, SHARED = "@x", "@s"


class LeaseLost(OSError):
    """Another process has taken the lock, since this one did not renew its lease in time."""


class Lease:
    """One holding of a lock; see `store.Store.lock`."""

    def __init__(
        self, store: "RemoteStore", name: str, *, shared: bool, wait: bool, make: bool
    ) -> None:
        self._store, self._name = store, name
        self._shared, self._wait, self._make = shared, wait, make

    @contextmanager
    def held(self) -> Iterator["_Held"]:
        """Holds it; raises Busy, or FileNotFoundError for one that shall not be made."""
        if not self._store.exists(self._name):
            if not self._make:
                raise FileNotFoundError(self._store.shown(self._name))
            self._store.put(self._name, b"")
        held = _Held(self._store, self._name)
        if not self._store.guarded:
            yield held
        elif not self._make:
            self._look()
            yield held
        else:
            with Renewal(self._store, self._name, self._taken()) as renewal:
                self._store.leases.append(renewal)
                try:
                    yield held
                finally:
                    self._store.leases.remove(renewal)

    def _look(self) -> None:
        """Raises Busy if somebody holds what excludes this lock."""
        if self._exclusive()[1] or (not self._shared and self._others(SHARED)):
            raise Busy(self._name)

    def _taken(self) -> str:
        """The name of the lease that this process now has."""
        while True:
            lease = self._announced()
            if lease is not None:
                return lease
            if not self._wait:
                raise Busy(self._name)
            time.sleep(_POLL)

    def _announced(self) -> str | None:
        if self._shared:
            lease = f"{self._name}{SHARED}{secrets.token_hex(8)}"
            self._store.put(lease, _content(time.time() + SECONDS))
            if not self._exclusive()[1]:
                return lease
            self._store.remove(lease)
            return None
        number, is_held = self._exclusive()
        lease = f"{self._name}{EXCLUSIVE}{number + 1:012d}"
        if is_held or not self._store.create_if_absent(lease, _content(time.time() + SECONDS)):
            return None
        if self._others(SHARED):
            self._store.put(lease, _content(0))
            return None
        for name, _ in beside(self._store, self._name, EXCLUSIVE):
            if name < lease:
                self._store.remove(name)
        return lease

    def _exclusive(self) -> tuple[int, bool]:
        """The highest number of an exclusive lease, 0 if there is none, and whether it holds."""
        names = [name for name, _ in beside(self._store, self._name, EXCLUSIVE)]
        if not names:
            return 0, False
        number = names[-1].rpartition(EXCLUSIVE)[2]
        return int(number) if number.isdecimal() else 0, _holds(self._store, names[-1])

    def _others(self, mark: str) -> bool:
        """Whether a lease of that kind holds; those that do not are removed."""
        found = False
        for name, _ in beside(self._store, self._name, mark):
            if _holds(self._store, name):
                found = True
            else:
                self._store.remove(name)
        return found


class _Held:
    def __init__(self, store: "RemoteStore", name: str) -> None:
        self._store, self._name = store, name

    def mark(self, text: bytes) -> None:
        """See `store.Held`."""
        self._store.put(self._name, text)


class Renewal:
    """A lease that is held, renewed by a thread until it is left; a context manager."""

    def __init__(self, store: "RemoteStore", name: str, lease: str) -> None:
        self._store, self._name, self._lease = store, name, lease
        self._done, self._lost = threading.Event(), False
        self._until = time.time() + SECONDS
        self._thread = threading.Thread(target=self._keep, daemon=True)

    def check(self) -> None:
        """Raises LeaseLost if another process has taken the lock; quick as long as it is good."""
        if time.time() > self._until:  # as after a machine's sleep
            self._renew()
        if self._lost:
            raise LeaseLost(
                errno.ESTALE,
                "another process took the lock over, as this one was silent for too long",
                self._store.shown(self._name),
            )

    def _keep(self) -> None:
        while not self._done.wait(SECONDS / _RENEWALS):
            try:
                self._renew()
            except OSError:  # tried again soon, and by `check` once it is too late
                continue

    def _renew(self) -> None:
        mark = EXCLUSIVE if EXCLUSIVE in self._lease else SHARED
        names = [name for name, _ in beside(self._store, self._name, mark)]
        mine = names[-1:] if mark == EXCLUSIVE else names
        if self._lease not in mine:
            self._lost = True
            return
        until = time.time() + SECONDS
        self._store.put(self._lease, _content(until))
        self._until = until

    def __enter__(self) -> "Renewal":
        self._thread.start()
        return self

    def __exit__(self, *exception: object) -> None:
        self._done.set()
        self._thread.join()
        if EXCLUSIVE in self._lease:
            self._store.put(self._lease, _content(0))  # its number stays taken
        else:
            self._store.remove(self._lease)


def _content(until: float) -> bytes:
    return json.dumps({"until": until, "holder": _myself()}).encode()


def _holds(store: "RemoteStore", lease: str) -> bool:
    """Whether a lease is good, and its holder, if it was of this machine, alive."""
    try:
        content = json.loads(store.read(lease).data)
        return float(content["until"]) > time.time() and not _is_dead(content["holder"])
    except (FileNotFoundError, ValueError, KeyError, TypeError):
        return False


def _myself() -> list[str]:
    """(this machine since it was started, this process since it was)."""
    return [_machine(), _process(os.getpid()) or ""]


def _machine() -> str:
    try:
        boot = Path("/proc/sys/kernel/random/boot_id").read_text().strip()
        return f"{boot} {Path('/proc/self/ns/pid').readlink()}"
    except OSError:
        return f"{socket.gethostname()} {secrets.token_hex(8)}"  # nobody's own


def _process(number: int) -> str | None:
    """A process by its number and when it was started; None if there is none of that number."""
    try:
        fields = Path(f"/proc/{number}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return None
    return f"{number} {fields[19]}"


def _is_dead(holder: list[str]) -> bool:
    machine, process = holder
    if machine != _machine() or not process:
        return False
    return _process(int(process.split()[0])) != process
