"""What is kept of rows: the same numbers in less room."""

import numpy as np
import pytest

from sgcampp.evaluation.records import record_of
from sgcampp.evaluation.rows import EvaluationRow, from_line, to_line

HITS = [[1, 0, 1], [0, 16_777_215, 0]]


@pytest.mark.parametrize(
    ("values", "dtype"),
    [
        ([0.0, 0.25, float(np.float32(0.1)), 1.0], np.float32),
        ([0.1, 0.25], np.float64),
        ([16_777_217, 1], np.float64),
        ([1e300, 1.0], np.float64),
        ([0, 1, 255], np.uint8),
        ([256, 1], np.float32),
        ([-1.0], np.float32),
        ([], np.uint8),
    ],
)
def test_numbers_are_kept_to_the_bit(values, dtype):
    kept = record_of(EvaluationRow("a", "m", "l", curves={"shares": values})).curves["shares"]
    assert kept.dtype == dtype
    assert kept.tolist() == values


def test_evidence_keeps_its_shape():
    kept = record_of(EvaluationRow("a", "m", "l", evidence={"max_box_acc": HITS}))
    assert kept.evidence["max_box_acc"].tolist() == HITS


def test_lines_that_are_read_share_their_names_and_series():
    line = to_line(EvaluationRow("a", "m", "l", metrics={"average_drop": 1.0}))
    first, second = (record_of(from_line(line)) for _ in range(2))
    assert first.series is second.series
    assert first.key is second.key
    assert next(iter(first.metrics)) is next(iter(second.metrics))
