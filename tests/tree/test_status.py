"""`sgcampp status`: what the counts of an output tree are."""

from several_run import write_tree

from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.rows import FAILED, Row
from sgcampp.tree.status import read_status


def test_counts(tmp_path):
    status = read_status(write_tree(tmp_path))
    assert (status.images, status.done, status.missing) == (4, 3, 0)
    assert status.failed == {"empty": 1}


def test_there_are_never_fewer_images_than_rows(tmp_path):
    """Rows of images that were there in an earlier run stay."""
    out = write_tree(tmp_path)
    with manifest_writer(LocalStore(out), "manifest/part-00001.jsonl") as manifest:
        manifest.append(Row(f"{n}.png", FAILED, reason="empty") for n in range(10))
    status = read_status(out)
    assert (status.images, status.missing) == (14, 0)


def test_a_rate_needs_some_time(tmp_path):
    out = write_tree(tmp_path)
    part = out / "manifest" / "part-00000.jsonl"
    part.unlink()
    with manifest_writer(LocalStore(out), "manifest/part-00000.jsonl") as manifest:
        manifest.append([Row("a", FAILED, reason="empty", finished=1e9)])
        assert read_status(out).rate is None
        manifest.append([Row("b", FAILED, reason="empty", finished=1e9 + 4)])
    assert read_status(out).rate == 0.5
