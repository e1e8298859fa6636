import pytest

from sgcampp.tree.words import class_words, flat_words


@pytest.mark.parametrize(
    ("facts", "words", "numbered"),
    [
        ((281, "tabby"), "tabby", "tabby (281)"),
        ((281, None), "class 281", "class 281"),
        ((1, "dog", 2, "cat"), "dog against cat", "dog (1) against cat (2)"),
        ((1, None, 2, "cat"), "class 1 against cat", "class 1 against cat (2)"),
        ((1, None, 2, None), "class 1 against class 2", "class 1 against class 2"),
        ((None, None), "", ""),
        ((0, ""), "class 0", "class 0"),
    ],
)
def test_classes_and_contrasts_in_words(facts, words, numbered):
    assert class_words(*facts) == words
    assert class_words(*facts, numbered=True) == numbered


def test_reasons_in_words():
    assert flat_words("no_positive_evidence") == "no positive evidence"
