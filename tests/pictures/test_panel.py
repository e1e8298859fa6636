from itertools import pairwise

import numpy as np
import pytest

from sgcampp.errors import UserError
from sgcampp.explain.methods import METHODS
from sgcampp.pictures.panel import SCALES, Cell, draw_panel
from sgcampp.pictures.panel_layout import CAPTION, NAME, TITLE, Bar, lay_out
from sgcampp.pictures.rendering import heatmap, overlay

BLOB = np.array([[0, 1, 0], [2, 4, 1], [0, 0, 0]], np.float32)
ODD_TEXTS = [
    "",
    "\x00\x07\n",
    "\ud800",
    "😀",
    "مرحبا \u202e",
    "写真/ñ",
    "x" * 300,
    "many words " * 30,
]


@pytest.fixture
def image():
    """Random pixels of 180 to 250, at a size that panels keep: 240×300."""
    return np.random.default_rng(0).integers(180, 250, (240, 300, 3), dtype=np.uint8)


def places(panel, picture):
    """(top, left) of every exact copy of a picture in a panel."""
    height, width = picture.shape[:2]
    tops, lefts = np.nonzero((panel == picture[0, 0]).all(axis=2))
    return [
        (top, left)
        for top, left in zip(tops.tolist(), lefts.tolist(), strict=True)
        if np.array_equal(panel[top : top + height, left : left + width], picture)
    ]


def one(panel, picture):
    """The place of a picture that a panel holds once."""
    (place,) = places(panel, picture)
    return place


def test_the_image_stands_first_and_its_maps_beside_it_in_order(image):
    maps = [BLOB, BLOB.T.copy(), BLOB[::-1].copy()]
    cells = [[Cell(saliency, "tabby 0.83") for saliency in maps]]
    panel = draw_panel(image, cells, ["a", "b", "c"], [""], "cat.png")
    assert panel.dtype == np.uint8
    pictures = [image, *(overlay(image, saliency) for saliency in maps)]
    tops, lefts = zip(*(one(panel, picture) for picture in pictures), strict=True)
    assert len(set(tops)) == 1
    assert all(right - left > 300 for left, right in pairwise(lefts))


def test_rows_stand_under_each_other_and_none_is_blank(image):
    lower = BLOB.T.copy()
    cells = [[Cell(BLOB, ""), None], [Cell(lower, ""), None]]
    panel = draw_panel(image, cells, ["a", "b"], ["first", "second"], "cat.png")
    top, left = one(panel, overlay(image, BLOB))
    below, same = one(panel, overlay(image, lower))
    assert same == left
    assert below >= top + 240
    blank = panel[top : below + 240, left + 300 : left + 612]
    assert (blank == 255).all()


def test_many_columns_are_broken_into_lines_of_like_length(image):
    names = [f"method {n}" for n in range(11)]
    maps = np.random.default_rng(1).uniform(0, 1, (11, 3, 3)).astype(np.float32)
    cells = [[Cell(saliency, "") for saliency in maps], [None] * 11]
    panel = draw_panel(image, cells, names, ["all", "none"], "cat.png")
    tops, lefts = zip(*(one(panel, overlay(image, saliency)) for saliency in maps), strict=True)
    assert len(set(tops[:6])) == len(set(tops[6:])) == 1
    assert tops[6] > tops[0] + 2 * image.shape[0]
    assert lefts[6:] == lefts[:5]


def test_the_view_is_seen_and_the_rest_is_dimmed(image):
    view = (40.0, 60.0, 160.0, 160.0)
    panel = draw_panel(image, [[Cell(BLOB, "")]], ["a"], [""], "", view=view)
    one(panel, overlay(image, BLOB, view=view))
    one(panel, image)


def test_a_large_image_takes_its_view_along():
    large = np.full((960, 1280, 3), 200, np.uint8)
    view = (160.0, 320.0, 640.0, 640.0)
    panel = draw_panel(large, [[Cell(BLOB, "")]], ["a"], [""], "", view=view)
    small = np.full((240, 320, 3), 200, np.uint8)
    one(panel, overlay(small, BLOB, view=(40, 80, 160, 160)))


def test_colour_map_and_opacity_are_those_asked_for(image):
    panel = draw_panel(image, [[Cell(BLOB, "")]], ["a"], [""], "", colormap="magma", alpha=0.3)
    one(panel, overlay(image, BLOB, 0.3, "magma"))


def test_one_scale_for_all_maps_or_one_for_each(image):
    faint = BLOB.T / 8
    cells = [[Cell(BLOB, ""), Cell(faint, "")]]
    own = draw_panel(image, cells, ["a", "b"], [""], "")
    shared = draw_panel(image, cells, ["a", "b"], [""], "", scale="shared")
    one(own, overlay(image, BLOB))
    one(own, overlay(image, faint))
    one(shared, overlay(image, BLOB))
    one(shared, overlay(image, faint, peak=4))


def test_only_the_shared_scale_says_a_number(image):
    def drawn(factor, scale):
        return draw_panel(image, [[Cell(BLOB * factor, "")]], ["a"], [""], "", scale=scale)

    assert np.array_equal(drawn(1, "own"), drawn(2, "own"))
    assert not np.array_equal(drawn(1, "shared"), drawn(2, "shared"))


@pytest.mark.parametrize("scale", SCALES)
def test_maps_of_zeros_leave_the_image_as_it_is(image, scale):
    flat = Cell(np.zeros((7, 7), np.float32), "all zeros: no_gradient")
    panel = draw_panel(image, [[flat]], ["a"], [""], "", scale=scale)
    assert len(places(panel, image)) == 2


def test_the_colour_bar_runs_from_zero_to_the_maximum(image):
    panel = draw_panel(image, [[Cell(BLOB * 0, "")]], ["a"], [""], "", colormap="magma")
    ends = heatmap(np.array([[0, 1]], np.float32), (1, 2), "magma")[0]
    rows = [np.nonzero((panel == colour).all(axis=2))[0] for colour in ends]
    assert rows[0].mean() > rows[1].mean() + 200


@pytest.mark.parametrize("size", [(1, 9000), (9000, 1)])
def test_a_fine_map_on_a_hair_of_an_image(size):
    fine = np.random.default_rng(0).random((600, 600), dtype=np.float32)
    image = np.full((*size, 3), 90, np.uint8)
    panel = draw_panel(image, [[Cell(fine, "")]], ["a"], [""], "")
    assert max(panel.shape) < 900


def test_no_neuron_of_a_fine_map_falls_between_the_pixels(image):
    fine = np.zeros((1200, 1500), np.float32)
    fine[601, 703] = 1
    panel = draw_panel(image, [[Cell(fine, "")]], ["a"], [""], "")
    top, left = one(panel, image)
    cell = panel[top : top + 240, left + 312 : left + 612]
    changed = np.argwhere((cell != image).any(axis=2))
    assert changed.tolist() == [[120, 140]]


@pytest.mark.parametrize(
    ("size", "longer"),
    [((1, 1), 224), ((2, 3), 224), ((250, 200), 250), ((900, 30), 320), ((30, 9000), 320)],
)
def test_pictures_have_a_readable_size_whatever_the_images(size, longer):
    image = np.full((*size, 3), 90, np.uint8)
    panel = draw_panel(image, [[Cell(BLOB, "tabby")] * 2], ["a", "b"], [""], "t")
    left = 16
    first = np.nonzero((panel[:, left] == 90).all(axis=1))[0]
    across = np.nonzero((panel[first[0], : left + 330] == 90).all(axis=1))[0]
    run = int(np.argmin(np.diff(across, append=10**6) == 1)) + 1
    assert max(len(first), run) == longer


@pytest.mark.parametrize("text", ODD_TEXTS, ids=ascii)
@pytest.mark.parametrize("size", [(1, 400), (400, 1), (50, 50)])
def test_odd_text_at_odd_sizes(text, size):
    image = np.full((*size, 3), 90, np.uint8)
    cells = [[Cell(BLOB, text)] * 2] * 2
    panel = draw_panel(image, cells, [text] * 2, [text] * 2, text)
    assert (panel[:10] == 255).all()
    assert (panel[:, :10] == 255).all()
    assert (panel[-6:] == 255).all()
    assert (panel[:, -6:] == 255).all()


@pytest.mark.parametrize("picture", [(320, 1), (213, 320), (1, 320)])
def test_names_of_methods_are_never_shortened(picture):
    names = list(METHODS)
    layout = lay_out(picture, names, names, [[""] * len(names)] * len(names), [Bar(("max",))])
    assert ["".join(lines) for row in layout.rows for lines in row.columns] == names
    assert ["".join(row.name) for row in layout.rows[: len(names)]] == names


@pytest.mark.parametrize("picture", [(320, 1), (213, 320), (1, 320), (224, 224)])
def test_nothing_overlaps(picture):
    names, caption = ["smooth_grad_cam_pp", "block14_expand_act/relu", "x" * 90], "long words " * 20
    layout = lay_out(picture, names, names, [[caption] * 3] * 3, [Bar(("max", "of each"))])
    step = layout.centres[1] - layout.centres[0]
    lines = [line for row in layout.rows for lines in row.captions for line in lines]
    assert max(map(CAPTION.width, lines)) < step
    assert max(NAME.width(line) for lines in layout.rows[0].columns for line in lines) < step
    assert picture[1] < step
    for row, below in pairwise(layout.rows):
        assert row.caption_top + 2 * CAPTION.line < below.top
        assert row.name_top + len(row.name) * NAME.line < below.top
        assert row.top + picture[0] <= row.caption_top
    widest = max(NAME.width(line) for row in layout.rows for line in row.name)
    assert layout.names_right - widest > layout.image_centre + picture[1] / 2
    assert layout.names_right < layout.centres[0] - step / 2 + 12
    (top, bottom), (left,) = layout.bar, layout.bar_lefts
    assert left > layout.centres[-1] + picture[1] / 2
    assert bottom - top >= 3 * CAPTION.line
    assert layout.rows[-1].bottom < layout.size[0]


@pytest.mark.parametrize("lettering", [TITLE, NAME, CAPTION])
def test_text_is_as_dark_as_wcag_aa_asks(lettering):
    channel = lettering.grey / 255
    luminance = channel / 12.92 if channel <= 0.04045 else ((channel + 0.055) / 1.055) ** 2.4
    assert 1.05 / (luminance + 0.05) >= 4.5


def test_the_same_panel_twice_is_the_same_to_the_bit(image):
    cells = [[Cell(BLOB, "tabby 0.83")]]
    first, second = (draw_panel(image, cells, ["a"], [""], "t") for _ in range(2))
    assert np.array_equal(first, second)


def test_a_panel_of_no_columns_is_the_image(image):
    one(draw_panel(image, [[]], [], [""], "t"), image)


@pytest.mark.parametrize(
    ("cells", "columns", "rows"),
    [([], [], []), ([[None]], ["a", "b"], [""]), ([[None]], ["a"], [])],
)
def test_cells_that_do_not_fit_the_names_are_refused(image, cells, columns, rows):
    with pytest.raises(ValueError, match=f"not {len(rows)} rows of {len(columns)}"):
        draw_panel(image, cells, columns, rows, "")


def test_an_unknown_scale_is_refused(image):
    with pytest.raises(UserError, match="own and shared"):
        draw_panel(image, [[None]], ["a"], [""], "", scale="log")


def test_signed_maps_have_a_bar_of_their_own(image):
    plain, signed = Cell(BLOB, ""), Cell(BLOB - BLOB.max() / 2, "", signed=True)
    alone = draw_panel(image, [[plain, plain]], ["a", "b"], [""], "t")
    both = draw_panel(image, [[plain, signed]], ["a", "b"], [""], "t")
    only = draw_panel(image, [[signed, signed]], ["a", "b"], [""], "t")
    assert both.shape[1] > alone.shape[1]
    red = np.array([103, 0, 31])
    has_red = [(np.abs(panel.astype(int) - red).sum(-1) < 9).any() for panel in (alone, both, only)]
    assert has_red == [False, True, True]
    shared = draw_panel(
        image, [[signed, Cell(-BLOB, "", signed=True)]], ["a", "b"], [""], "t", scale="shared"
    )
    assert shared.shape[0] == both.shape[0]
