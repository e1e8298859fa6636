"""Rows of an evaluation on their way to a file and back."""

import json
from dataclasses import replace

import pytest

from sgcampp.evaluation.rows import EvaluationRow, Series, from_line, to_line, without_lists

FULL = EvaluationRow(
    key="a/ü.jpg",
    method="smooth_grad_cam_pp",
    layer="block10",
    across={"nsamples": 5, "stdev": 0.15},
    filters=[3, 1],
    class_idx=281,
    target=1,
    p0=0.5,
    logit0=-3,
    flat=True,
    metrics={"average_drop": 12.5, "win": 100},
    undefined={"energy": "no_object"},
    evidence={"max_box_acc": [[1.0, 0.0], [0.0, 0.0]]},
    curves={"shares": [0.0, 1.0], "insertion": [0.1, 0.9]},
    status="left_out",
    reason="no_object",
    identical=True,
    finished=1.5,
)


@pytest.mark.parametrize("row", [FULL, EvaluationRow("a", "grad_cam", "input")])
def test_there_and_back(row):
    line = to_line(row)
    assert from_line(line) == row
    assert line.isascii() and line.endswith(b"\n") and line.count(b"\n") == 1


def test_the_row_without_its_lists():
    shorter = replace(FULL, evidence={}, curves={})
    assert without_lists(to_line(FULL)) == shorter
    assert without_lists(to_line(shorter)) == shorter
    hostile = replace(FULL, key='"evidence":{},', reason='\\"curves":{"a":[1]},', method="{[")
    assert without_lists(to_line(hostile)) == replace(hostile, evidence={}, curves={})


def test_fields_of_newer_versions_are_left_aside():
    newer = json.loads(to_line(FULL)) | {"colour": "red"}
    assert from_line(json.dumps(newer).encode()) == FULL


@pytest.mark.parametrize(
    "line",
    [
        *(b"", b"[]", b"null", b"{}", b"\xff", b'{"key": "a", "method": "m"'),
        b'{"key": "a", "method": "m"}',
    ],
)
def test_what_is_no_row_is_refused(line):
    with pytest.raises(ValueError):
        from_line(line)


@pytest.mark.parametrize(
    "odd",
    [
        *('"key": null', '"target": true', '"class_idx": 1.5', '"filters": ["1"]', '"flat": 0'),
        *('"across": []', '"status": "fine"', '"metrics": {"a": "1"}', '"metrics": {"a": true}'),
        *('"metrics": {"a": NaN}', '"metrics": {"a": 1e999}', '"undefined": {"a": 1}'),
        *('"p0": -Infinity', '"logit0": 1e999', f'"p0": {10**400}'),
        *('"curves": {"c": [0, null]}', '"curves": {"c": [NaN]}', '"curves": {"c": 1}'),
        *('"evidence": {"e": [[1, "2"]]}', '"evidence": {"e": [[1e999]]}'),
    ],
)
def test_odd_values_are_refused(odd):
    text = '{"key": "a", "method": "m", "layer": "l", ' + odd + "}"
    with pytest.raises(ValueError):
        from_line(text.encode())


def test_nan_is_not_written():
    with pytest.raises(ValueError):
        to_line(EvaluationRow("a", "m", "l", metrics={"a": float("nan")}))


def test_what_a_map_belongs_with():
    assert FULL.series == Series(
        "smooth_grad_cam_pp", "block10", '{"nsamples": 5, "stdev": 0.15}', (3, 1)
    )
    assert FULL.series.label == "smooth_grad_cam_pp nsamples=5 stdev=0.15 filters=3,1"
    other_order = EvaluationRow("b", "m", "l", across={"b": 1, "a": 2})
    assert other_order.series == EvaluationRow("c", "m", "l", across={"a": 2, "b": 1}).series
    assert EvaluationRow("a", "m", "l").series.label == "m"
