"""OUT/run.yaml: written, read again, edited by hand, and held against another run."""

import json
from dataclasses import asdict

import pytest

from sgcampp.config.loading import RECORDED, as_yaml
from sgcampp.config.run_config import RunConfig
from sgcampp.errors import UserError
from sgcampp.run.run_file import run_yaml
from sgcampp.storage.local import LocalStore
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.run_record import RunRecord, read_run_yaml

RECORD = RunRecord(
    model_fingerprint="0" * 64,
    layers=["a", "input"],
    batch_size=16,
    images_per_step=2,
    frozen=False,
    images=5,
    target_sha256=None,
    versions={"sgcampp": "0"},
    base="/photos",
)


def test_a_record_survives_the_file(tmp_path):
    (tmp_path / RUN_YAML).write_bytes(run_yaml(RunConfig(sources=["p"]), RECORD))
    values, record = read_run_yaml(LocalStore(tmp_path))
    assert record == RECORD
    assert values["sources"] == ["p"]
    assert read_run_yaml(LocalStore(tmp_path / "none")) is None


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("model_fingerprint", 1),
        ("layers", "a"),
        ("layers", [1]),
        ("layers", None),
        ("batch_size", "auto"),
        ("batch_size", 0),
        ("batch_size", 10**30),
        ("images_per_step", 1.5),
        ("frozen", 0),
        ("images", -1),
        ("images", 10**99),
        ("images", "many"),
        ("target_sha256", 5),
        ("versions", ["1"]),
        ("versions", {"a": 1}),
        ("base", 5),
    ],
)
def test_a_record_of_odd_types_is_refused(tmp_path, name, value):
    recorded = json.dumps({**asdict(RECORD), name: value})
    (tmp_path / RUN_YAML).write_text(f"{as_yaml(asdict(RunConfig()))}{RECORDED}: {recorded}\n")
    with pytest.raises(UserError, match=rf"run\.yaml: was not written by sgcampp: {name} "):
        read_run_yaml(LocalStore(tmp_path))


@pytest.mark.parametrize("recorded", ["", "5", "[]", "{}", "{a: 1}", "text", "{5: 6}"])
def test_a_record_that_is_none_is_refused(tmp_path, recorded):
    (tmp_path / RUN_YAML).write_text(f"nsamples: 3\n{RECORDED}: {recorded}\n")
    with pytest.raises(UserError, match="was not written by this version"):
        read_run_yaml(LocalStore(tmp_path))
