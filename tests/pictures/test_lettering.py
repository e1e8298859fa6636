import numpy as np
import pytest

from sgcampp.pictures.lettering import Lettering, legible

PLAIN = Lettering(14)
ODD = [
    "",
    " ",
    "\x00",
    "a\nb\tc\r\n",
    "\ud800",
    "\udfff\ud800 mixed",
    "😀👩‍👩‍👧",
    "\u202eevil\u202c",
    "שלום",
    "مرحبا",
    "写真の名前",
    "e\u0301\u0302\u0303",
    "\ufeff\u2028\U0010ffff\ue000",
    "x" * 300,
    "a b_" * 75,
]


def ink(lettering, lines, x=40, top=10, align=0.0, size=(120, 400)):
    """(top, bottom, left, right) of what was drawn, edges included."""
    canvas = np.full((*size, 3), 255, np.uint8)
    lettering.write(canvas, lines, x, top, align)
    rows, columns = np.nonzero((canvas < 200).any(axis=2))
    return rows.min(), rows.max(), columns.min(), columns.max()


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_any_text_is_measured_shortened_and_drawn(text):
    canvas = np.full((80, 100, 3), 255, np.uint8)
    lines = PLAIN.lines(text, 90)
    PLAIN.write(canvas, lines, 50, 5, 0.5)
    assert len(lines) <= 2
    assert all(PLAIN.width(line) <= 90 for line in lines)
    assert (canvas.min() < 128) == bool(text.strip())


def test_what_has_no_shape_becomes_a_question_mark():
    assert legible("a\x00b\ud800\u202e") == "a?b??"
    assert legible("two\n\nlines\tmore") == "two lines more"
    assert legible("Straße 写真") == "Straße 写真"


@pytest.mark.parametrize("text", ["Hg|jÅ", "smooth_grad_cam_pp", "写真", "Żółć", "0.83"])
@pytest.mark.parametrize("align", [0, 0.5, 1])
def test_the_ink_stays_where_it_was_measured(text, align):
    top, bottom, left, right = ink(PLAIN, [text], x=200, align=align)
    start = 200 - align * PLAIN.width(text)
    assert start - 2 <= left <= right <= start + PLAIN.width(text) + 2
    assert right - left > 0.8 * PLAIN.width(text)
    assert 10 <= top <= bottom < 10 + PLAIN.line


def test_lines_stand_under_each_other():
    top, bottom, *_ = ink(PLAIN, ["Hg", "Hg"])
    first_top, first_bottom, *_ = ink(PLAIN, ["Hg"])
    assert top == first_top
    assert bottom == first_bottom + PLAIN.line


def test_text_that_fits_is_left_alone():
    assert PLAIN.shorten("tabby 0.83", 200) == "tabby 0.83"
    assert PLAIN.lines("tabby 0.83", 200) == ["tabby 0.83"]
    assert PLAIN.lines("", 200) == []


def test_an_ellipsis_takes_the_middle_and_as_little_as_can_be():
    text = "abcdefghij" * 10
    short = PLAIN.shorten(text, 150)
    before, after = short.split("…")
    assert text.startswith(before)
    assert text.endswith(after)
    assert 0 <= len(before) - len(after) <= 1
    longer = text[: len(before) + 1] + "…" + text[len(text) - len(after) - 1 :]
    assert PLAIN.width(short) <= 150 < PLAIN.width(longer)


def test_a_limit_of_no_width_leaves_the_ellipsis():
    assert PLAIN.shorten("abc", 1) == "…"


def test_lines_end_after_words_first_and_within_names_if_they_must():
    assert PLAIN.lines("smooth_grad_cam_pp, n=50", 170) == ["smooth_grad_cam_pp,", "n=50"]
    assert PLAIN.lines("smooth_grad_cam_pp", 110) == ["smooth_", "grad_cam_pp"]


@pytest.mark.parametrize("text", ["smooth_grad_cam_pp", "a b", "word", "block14_expand_act/relu"])
def test_the_least_width_is_just_wide_enough(text):
    least = PLAIN.least_width(text)
    kept = "".join(PLAIN.lines(text, least)).replace(" ", "")
    assert kept == text.replace(" ", "")
    assert "…" in "".join(PLAIN.lines(text, least - 1))
