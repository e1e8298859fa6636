"""A worker's part without a model: what runs of many workers are tested with; workers import it."""

import os
import time

from sgcampp.cluster.worker import Done, Ready
from sgcampp.run.recording import Written
from sgcampp.tree.rows import OK, Row
from sgcampp.tree.run_record import RunRecord, versions


def prepare(order):
    return Ready(["a note"], "; closing words")


def settle(order):
    return RunRecord("0" * 64, ["layer"], 8, 2, False, order.listing.total, None, versions())


def explain(order, record, unit, shard):
    """Rows without files."""
    keys = [task.found.key for task in unit.tasks]
    return Done([Written(Row(key, OK, finished=time.time())) for key in keys])


def explain_or_die(order, record, unit, shard):
    """The worker dies of images that are called so."""
    if any("deadly" in task.found.key for task in unit.tasks):
        os._exit(1)
    return explain(order, record, unit, shard)


def explain_elsewhere(order, record, unit, shard):
    """Tells of files that are on no disk that the run sees."""
    rows = [Row(task.found.key, OK, files={"panels": "panels/a.png"}) for task in unit.tasks]
    return Done([Written(row) for row in rows])
