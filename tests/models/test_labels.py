import pytest

from sgcampp.errors import UserError
from sgcampp.models.labels import Label, find_label, imagenet_labels, read_labels


def test_imagenet_labels():
    labels = imagenet_labels()
    assert len(labels) == 1000
    assert labels[0] == Label(0, "n01440764", "tench", ("Tinca tinca",))
    assert labels[999].wnid == "n15075141"
    assert [label.index for label in labels] == list(range(1000))
    assert len({label.wnid for label in labels}) == 1000


@pytest.mark.parametrize(
    ("text", "index"),
    [
        ("282", 282),
        ("n02123159", 282),
        ("N02123159", 282),
        ("tiger cat", 282),
        ("Tiger_Cat", 282),
        ("  tiger  cat ", 282),
        ("tabby cat", 281),
        ("tinca tinca", 0),
        ("missile", 657),  # a first name; also a synonym of projectile
    ],
)
def test_finds_classes(text, index):
    assert find_label(imagenet_labels(), text) == index


@pytest.mark.parametrize(("text", "indices"), [("crane", (134, 517)), ("maillot", (638, 639))])
def test_ambiguous_names_list_the_indices(text, indices):
    with pytest.raises(UserError, match="ambiguous") as error:
        find_label(imagenet_labels(), text)
    assert all(str(index) in str(error.value) for index in indices)


@pytest.mark.parametrize(
    ("text", "words"),
    [("tigr cat", "did you mean .*'tiger cat'"), ("1000", "out of range"), ("-1", "unknown class")],
)
def test_unknown_classes(text, words):
    with pytest.raises(UserError, match=words):
        find_label(imagenet_labels(), text)


def test_numbers_as_names():
    digits = [Label(i, None, str(i)) for i in range(10)]
    assert find_label(digits, "3") == 3
    shifted = [Label(i, None, str(i + 1)) for i in range(10)]
    with pytest.raises(UserError, match="ambiguous"):
        find_label(shifted, "3")
    assert find_label(shifted, "10") == 9


def test_reads_labels(tmp_path):
    path = tmp_path / "labels.txt"
    path.write_text("\ufeffkäse\nn01440764 tench, Tinca tinca\r\nfire truck\n\n", "utf-8")
    assert read_labels(path) == (
        Label(0, None, "käse"),
        Label(1, "n01440764", "tench", ("Tinca tinca",)),
        Label(2, None, "fire truck"),
    )


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"", "is empty"),
        (b" \n\n", "is empty"),
        (b"a\n\nb\n", "blank line 2"),
        (b"\xff\xfea", "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_bad_label_files(tmp_path, content, words):
    path = tmp_path / "labels.txt"
    if content is not None:
        path.write_bytes(content)
    with pytest.raises(UserError, match=words):
        read_labels(path)
