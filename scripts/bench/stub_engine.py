"""A worker's part without a model: it sleeps for each image, and makes rows as real ones are."""

import os
import time

from sgcampp.cluster.units import Unit
from sgcampp.cluster.worker import Done, Order, Ready
from sgcampp.run.recording import Written
from sgcampp.tree.rows import OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord, versions

SECONDS = "STUB_SECONDS"
"""The environment variable that tells how long an image takes."""
IMAGES_PER_STEP = 16


def prepare(order: Order) -> Ready:
    """Loads nothing."""
    return Ready([], "")


def settle(order: Order) -> RunRecord:
    """A record of no model."""
    total = order.listing.total
    return RunRecord("0" * 64, ["stub"], 16, IMAGES_PER_STEP, False, total, None, versions())


def explain(order: Order, record: RunRecord, unit: Unit, shard: int | None) -> Done:
    """Sleeps, and makes rows without files."""
    time.sleep(float(os.environ[SECONDS]) * len(unit.tasks))
    return Done([Written(row_of(task.found.key)) for task in unit.tasks])


def row_of(key: str) -> Row:
    """A row with what a row has."""
    of = MapRow(
        sha256={"arrays": "0" * 64},
        method="smooth_grad_cam_pp",
        layer="block15_expand_act",
        shape=[7, 7],
        affine_head=False,
        nsamples=25,
        class_idx=281,
        class_name="tabby, tabby cat",
        score=7.25,
        probability=0.5,
        log_scale=1.5,
        ess=20.5,
        relative_se=0.01,
        error_groups=5,
        guarded=0,
    )
    return Row(
        key=key,
        status=OK,
        sha256="0" * 64,
        bytes=100_000,
        mtime_ns=1_700_000_000_000_000_000,
        view=[0.0, 0.0, 224.0, 224.0],
        seconds=0.1,
        finished=time.time(),
        maps=[of],
    )
