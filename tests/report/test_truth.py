"""What images are labelled as: by folders, lists and files, and when folders are left alone."""

import pytest
import yaml
from click.testing import CliRunner
from findings_tree import TAKEN, write_tree
from manifests import write_rows

import cli.main
from sgcampp.errors import UserError
from sgcampp.report.findings import Findings
from sgcampp.report.truth import Truth, Verdict
from sgcampp.tree.open_tree import open_tree
from sgcampp.tree.rows import OK, MapRow, Row


def learned(out, named="auto"):
    """(the truth of a tree, its verdicts by key)."""
    tree = open_tree(out)
    truth = Truth(tree, named)
    with Findings(tree, truth) as findings:
        findings.learn(tree.rows())
        return truth, {row.key: truth.of(row) for row in tree.rows()}


def test_folders_are_labels_where_all_are_classes(tmp_path):
    truth, verdicts = learned(write_tree(tmp_path / "out"))
    assert verdicts["cat/0.png"] == Verdict("cat", "cat", True)
    assert verdicts["cat/4.png"] == Verdict("cat", "dog", False)
    assert verdicts["two_words/0.png"] == Verdict("two words", "two words", True)
    assert sum(one.right for one in verdicts.values()) == 6
    assert not truth.unknown


@pytest.mark.parametrize("extra", ["holiday/a.png", "a.png"])
def test_one_folder_that_is_no_class_makes_all_of_them_mere_folders(tmp_path, extra):
    out = write_tree(tmp_path / "out")
    write_rows(out, *open_tree(out).rows(), Row(extra, OK, maps=[MapRow(class_idx=1)]))
    truth, verdicts = learned(out)
    assert set(verdicts.values()) == {None}
    assert not truth.unknown
    assert truth.labelled is None
    truth, verdicts = learned(out, "folder")
    assert verdicts["cat/4.png"].right is False
    assert verdicts[extra] is None
    assert dict(truth.unknown) == ({"holiday": 1} if "/" in extra else {})


def test_numbers_are_labels_only_if_one_says_so(tmp_path):
    out = tmp_path / "numbers"
    out.mkdir()
    (out / "run.yaml").write_bytes((write_tree(tmp_path / "out") / "run.yaml").read_bytes())
    keys = ["0/a.png", "1/a.png", "1/b.png"]
    write_rows(out, *(Row(key, OK, maps=[MapRow(class_idx=1)]) for key in keys))
    assert set(learned(out)[1].values()) == {None}
    assert [one.right for one in learned(out, "folder")[1].values()] == [False, True, True]


def test_nothing_is_right_or_wrong_where_the_run_was_told_what_to_explain(tmp_path):
    for target in ("cat", "dog-vs-cat"):
        verdicts = learned(write_tree(tmp_path / target, target=[target]))[1]
        assert verdicts["cat/4.png"] == Verdict("cat")
    for number, target in enumerate(("top3", "p>0.2", "top1-vs-top2")):
        verdicts = learned(write_tree(tmp_path / str(number), target=[target]))[1]
        assert verdicts["cat/4.png"].right is False


def test_a_file_names_images_by_key_or_name_and_wins_over_folders(tmp_path):
    out = write_tree(tmp_path / "out")
    file = tmp_path / "truth.csv"
    file.write_text("image,class\ncat/4.png,dog\n1.png,Two words\n0.png,unicorn\n")
    truth, verdicts = learned(out, str(file))
    assert verdicts["cat/4.png"].right
    assert verdicts["cat/1.png"] == Verdict("two words", "cat", False)
    assert verdicts["cat/0.png"] is verdicts["cat/5.png"] is None
    assert dict(truth.unknown) == {"unicorn": 3}
    told = CliRunner().invoke(cli.main.main, ["report", str(out), "--truth", str(file)])
    assert told.exit_code == 0
    assert "3 images count as not labelled" in told.stderr
    assert "is called 'unicorn'" in told.stderr
    assert f"{truth.labelled[0]} of {len(verdicts)} images are labelled" in told.stderr
    assert truth.labelled[0] == sum(one is not None for one in verdicts.values())
    file.write_text("image,class\n")
    told = CliRunner().invoke(cli.main.main, ["report", str(out), "--truth", str(file)])
    assert f"0 of {len(verdicts)} images are labelled" in told.stderr
    file.write_text("picture,class\n")
    with pytest.raises(UserError, match="no columns image and class"):
        Truth(open_tree(out), str(file))


def test_lists_name_classes(tmp_path):
    listed = tmp_path / "list.csv"
    listed.write_text("image,class\n" + "".join(f"{key},dog\n" for key in [*TAKEN][:5]))
    out = write_tree(tmp_path / "out")
    settings = yaml.safe_load((out / "run.yaml").read_text())
    (out / "run.yaml").write_text(yaml.safe_dump({**settings, "sources": [str(listed)]}))
    for named in ("auto", "label"):
        # In a list that leaves some images out, its word holds for those that it names.
        verdicts = learned(out, named)[1]
        assert verdicts["cat/4.png"] == Verdict("dog", "dog", True)
        assert verdicts["cat/5.png"] is None
    with pytest.raises(UserError, match="name no classes"):
        Truth(open_tree(write_tree(tmp_path / "other")), "label")
