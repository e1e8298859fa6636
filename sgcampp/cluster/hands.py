"""The workers of a cluster that may work for a run: they come, go, and are refused."""

import time
from collections.abc import Callable, Collection, Mapping
from typing import Any

from distributed import Client

from sgcampp.cluster.calls import CALL_TIMEOUTS
from sgcampp.cluster.worker import facts
from sgcampp.errors import RunStopped, UserError

EVERY = 1.0
"""Seconds between two looks at who is there."""
STARTING = 300.0
"""Seconds that a run waits for workers of its own."""
UNHEARD = (OSError, RuntimeError, *CALL_TIMEOUTS)
"""What Dask raises when the scheduler is gone."""
SILENT = "the workers' scheduler is gone: the same command goes on once there is one"


class Hands:
    """Who is there and fit.

    Args:
        client: of the cluster.
        versions: that a worker must have, as `facts` tells them.
        note: is told who is refused, and why.
        patient: whether workers may come whenever they like, as those of a batch system do.
    """

    def __init__(
        self,
        client: Client,
        versions: Mapping[str, str],
        note: Callable[[str], None],
        patient: bool,
    ) -> None:
        self._client, self._versions, self._note, self._patient = client, versions, note, patient
        self._fit: list[str] = []
        self._refused: dict[str, str] = {}
        self._looked = -EVERY
        self._seen = time.monotonic()
        self._told = False

    def fit(self) -> list[str]:
        """Addresses of those who may be given work, from a look that is a second old at most.

        Raises:
            UserError: when all who are there are refused.
            RunStopped: when the scheduler is gone, or nobody comes.
        """
        if self._client.status != "running":
            raise RunStopped(SILENT)
        if time.monotonic() - self._looked >= EVERY:
            try:
                self._look()
            except UNHEARD as error:
                raise RunStopped(SILENT) from error
            self._looked = time.monotonic()
        return list(self._fit)

    def tell(self, workers: Collection[str], function: Callable, *given: Any) -> dict[str, Any]:
        """Has workers run a function beside their work; the answers of those that gave one."""
        present = [worker for worker in self._fit if worker in workers]
        if not present:
            return {}
        try:
            return self._client.run(function, *given, workers=present, on_error="ignore")
        except UNHEARD:
            return {}

    def gone(self, worker: str) -> None:
        """Notes that a worker died, before the next look would tell."""
        self._fit = [one for one in self._fit if one != worker]

    def refuse(self, worker: str, reason: str) -> None:
        """Gives a worker no more work, and tells so."""
        self.gone(worker)
        if worker not in self._refused:
            self._refused[worker] = reason
            self._note(f"worker {worker} is refused: {reason}")

    def _look(self) -> None:
        present = list(self._client.nthreads())
        known = {*self._fit, *self._refused}
        arrived = [worker for worker in present if worker not in known]
        fit = {*self._fit, *self._checked(arrived)}
        self._fit = [worker for worker in present if worker in fit]
        if self._fit:
            self._seen, self._told = time.monotonic(), False
        elif present and self._refused.keys() >= set(present):
            raise UserError(
                "no worker is fit: "
                + "; ".join(f"{worker}: {self._refused[worker]}" for worker in present)
            )
        else:
            self._wait()

    def _wait(self) -> None:
        if not self._patient and time.monotonic() - self._seen > STARTING:
            raise RunStopped(f"no worker process has started in {STARTING:.0f} seconds")
        if self._patient and not self._told:
            self._told = True
            self._note("the cluster has no worker yet: waiting for one")

    def _checked(self, arrived: list[str]) -> list[str]:
        """Those of new workers that are fit."""
        answers = self._client.run(facts, workers=arrived, on_error="return") if arrived else {}
        fit = []
        for worker, answer in answers.items():
            if isinstance(answer, OSError):
                continue  # it has left already, or is asked again
            reason = _unfit(answer, self._versions)
            if reason:
                self.refuse(worker, reason)
            else:
                fit.append(worker)
        return fit


def _unfit(answer: Any, versions: Mapping[str, str]) -> str:
    """Why a worker with these facts can't work for this run; "" if it can."""
    if isinstance(answer, BaseException):
        return f"it can't run sgcampp: {answer}"
    differing = [
        f"{name} {answer.get(name)}, here {version}"
        for name, version in versions.items()
        if answer.get(name) != version
    ]
    return f"it has {'; '.join(differing)}" if differing else ""
