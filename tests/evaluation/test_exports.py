"""JSON and CSV of a summary."""

import csv
import io
import json

import pytest
from evaluation_rows import row, rows_of

from sgcampp.evaluation.exports import COLUMNS, to_csv, to_json
from sgcampp.evaluation.summarise import summarise


def small():
    rows = rows_of("average_drop", grad_cam=[9, 8, 6, 7, 2], grad_cam_pp=[10, 10, 10, 7, 5])
    rows.append(
        row("1", "smooth_grad_cam_pp", across={"n": 5}, filters=[1, 4], undefined={"energy": "tie"})
    )
    return summarise(rows)


def test_json_is_plain():
    found = to_json(small())
    assert json.loads(json.dumps(found, allow_nan=False)) == found
    assert [one["series"] for one in found["series"]] == [
        {"method": "grad_cam_pp", "layer": "block", "settings": {}, "filters": []},
        {"method": "grad_cam", "layer": "block", "settings": {}, "filters": []},
        *(
            {"method": "smooth_grad_cam_pp", "layer": "block", "settings": s, "filters": [1, 4]}
            for s in [{"n": 5}]
        ),
    ]
    compared = found["series"][1]["cells"]["average_drop"]["against"]
    assert compared["other"]["method"] == "grad_cam_pp"
    assert compared["comparison"]["difference"]["estimate"] == -2
    assert compared["verdict"] == "no difference shown"
    assert found["series"][2]["cells"]["energy"]["undefined"] == {"tie": 1}


def test_csv_by_hand():
    text = to_csv(small())
    assert text.startswith(",".join(COLUMNS) + "\n") and "\r" not in text
    lines = list(csv.DictReader(io.StringIO(text)))
    assert len(lines) == 3 * 2
    (line,) = [r for r in lines if (r["method"], r["metric"]) == ("grad_cam", "average_drop")]
    assert {name: line[name] for name in ("layer", "settings", "filters", "better", "unit")} == {
        **{"layer": "block", "settings": "{}", "filters": "", "better": "less", "unit": "%"}
    }
    assert (line["images"], float(line["mean"])) == ("5", pytest.approx(6.4))
    assert (line["against"], line["difference"], line["p"]) == ("grad_cam_pp", "-2.0", "0.125")
    assert (line["wins"], line["ties"], line["losses"]) == ("4", "1", "0")
    assert line["verdict"] == "no difference shown"
    (empty,) = [r for r in lines if (r["filters"], r["metric"]) == ("1 4", "energy")]
    assert json.loads(empty["settings"]) == {"n": 5}
    assert (empty["images"], empty["mean"], empty["against"], empty["wins"]) == ("0", "", "", "")


def test_nothing_measured():
    assert to_csv(summarise([])) == ",".join(COLUMNS) + "\n"
    assert to_json(summarise([]))["series"] == []
