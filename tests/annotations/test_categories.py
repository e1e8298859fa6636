"""Which classes a category counts as."""

import pytest

from sgcampp.annotations.categories import Categories, read_classes
from sgcampp.errors import UserError

LABELS = ("tench", "tabby cat", "crane", "dog", "crane", "007")


@pytest.mark.parametrize(
    "category, expected",
    [
        ("tench", (0,)),
        ("Tabby_Cat", (1,)),
        (" tabby  cat ", (1,)),
        ("crane", (2, 4)),  # ImageNet has two classes of that name
        ("3", (3,)),
        ("007", (5,)),  # a name goes before an index
        ("6", ()),
        ("-1", ()),
        ("cat", ()),
        ("٣", ()),
        ("9" * 5000, ()),
    ],
)
def test_without_a_mapping_names_and_indices_count(category, expected):
    assert Categories(LABELS).classes_of(category) == expected


def test_a_mapping_alone_counts():
    categories = Categories(LABELS, {"pet": (1, 3)})
    assert categories.classes_of("Pet") == (1, 3)
    assert categories.classes_of("tench") == ()
    assert "pet" in categories.nearest("pets")


def write(tmp_path, text):
    path = tmp_path / "classes.csv"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize("header", ["", "category,class_idx\n", "\ufeffCategory, class_idx\r\n"])
def test_a_file_of_classes(tmp_path, header):
    path = write(tmp_path, f'{header}pet,1\npet,3\n\n"bird, large",crane\npet,3\n')
    assert read_classes(path, LABELS) == {"pet": (1, 3), "bird, large": (2, 4)}


@pytest.mark.parametrize(
    "text, said",
    [
        ("pet,1\npet\n", "line 2 is not `category,class_idx`"),
        ("pet,1,2\n", "line 1 is not"),
        (",1\n", "line 1 is not"),
        ("pet,6\n", "line 1: '6' is no class; accepted are indices 0..5 and the model's class"),
        ("pet,tenhc\n", "did you mean 'tench'?"),
        ("category,class_idx\n", "has no line"),
        ("", "has no line"),
        (b"\xff\xfe", "is not UTF-8 text"),
        ('"pet,1\n', "line 1: unexpected end of data"),
    ],
)
def test_bad_files_are_told_in_a_sentence(tmp_path, text, said):
    with pytest.raises(UserError) as told:
        read_classes(write(tmp_path, text), LABELS)
    assert said in str(told.value) and "classes.csv: " in str(told.value)


def test_a_missing_file(tmp_path):
    with pytest.raises(UserError, match="can't be read: No such file"):
        read_classes(tmp_path / "none.csv", LABELS)
