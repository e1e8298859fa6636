"""Which run an output tree holds, and whether another may go on in it."""

from dataclasses import asdict, replace

import pytest

from sgcampp.config.run_config import RunConfig
from sgcampp.errors import UserError
from sgcampp.run.settling import check_base, differing_keys
from sgcampp.tree.run_record import RunRecord

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


def test_another_model_or_target_file_is_another_run():
    config = RunConfig()
    values = asdict(config)
    assert differing_keys(config, "0" * 64, None, values, RECORD) == []
    assert differing_keys(config, "1" * 64, None, values, RECORD) == [
        "the model's weights, architecture or preprocessing"
    ]
    csv = replace(RECORD, target_sha256="a" * 64)
    assert differing_keys(config, "0" * 64, "a" * 64, values, csv) == []
    for record, digest in ((RECORD, "a" * 64), (csv, None), (csv, "b" * 64)):
        differing = differing_keys(config, "0" * 64, digest, values, record)
        assert differing == ["the classes in the target file"]


def test_images_of_two_directories_do_not_share_a_tree(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name / "sub").mkdir(parents=True)
    (tmp_path / "link").symlink_to(tmp_path / "one")
    record = replace(RECORD, base=str(tmp_path / "one"))

    def base(name, known=record):
        return check_base(str(tmp_path / "out"), str(tmp_path / name), known)

    base("one")
    base("link")
    for other in ("two", "one/sub", "."):
        with pytest.raises(UserError, match=r"out is about images below .*one, these are below"):
            base(other)
    base("two", replace(RECORD, base=None))
    (tmp_path / "one").rename(tmp_path / "moved")
    base("moved")
