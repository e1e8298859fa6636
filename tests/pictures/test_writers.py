import io

import numpy as np
import pytest
from PIL import Image

from sgcampp.pictures.arrangement import DrawnMap, error_words
from sgcampp.pictures.rendering import heatmap, overlay
from sgcampp.pictures.style import Style
from sgcampp.pictures.writers import WRITERS, FinishedImage, FinishedMap, encode
from sgcampp.tree.open_tree import kinds_of
from sgcampp.tree.paths import KINDS
from sgcampp.tree.rows import MapRow


@pytest.fixture
def finished() -> FinishedMap:
    rng = np.random.default_rng(0)
    image = rng.integers(0, 256, (30, 40, 3), np.uint8)
    image[:15] = (255, 0, 0)
    saliency = rng.random((5, 7), np.float32) * 1e-7
    error = saliency[::-1] / 8
    return FinishedMap(saliency, image, (3, 4.5, 20, 20), Style("turbo", 0.4, 6), error=error)


OF_MAPS = sorted(kind for kind, writer in WRITERS.items() if not writer.of_image)


def test_writers_and_the_tree_agree():
    """The tree knows ours even where no run.yaml names them; of other writers that tells."""
    assert set(KINDS) <= set(WRITERS)
    assert kinds_of(["arrays", "peaks"]) == (*KINDS, "shards", "peaks")


def test_a_panel_is_about_all_maps_of_an_image(finished):
    rows = [MapRow(method=name, layer="conv", class_idx=1) for name in ("grad_cam", "grad_cam_pp")]
    maps = [DrawnMap(row, finished.saliency) for row in rows]
    whole = FinishedImage("a.png", finished.image, finished.view, maps, finished.style)
    picture = np.asarray(Image.open(io.BytesIO(WRITERS["panels"].encode(whole))))
    assert picture.shape[1] > 3 * 224


@pytest.mark.parametrize(
    ("share", "words"), [(3.5e-8, "± < 0.01 %"), (0.0125, "± 1.2 %"), (1.234, "± 120 %")]
)
def test_errors_are_told_without_powers_of_ten(share, words):
    assert error_words(share) == words


def test_panels_show_errors_beside_their_maps_where_they_are_asked_for(finished):
    from sgcampp.pictures.panel import Cell, draw_panel

    sure = MapRow(method="grad_cam", layer="conv", class_idx=1)
    unsure = MapRow(method="smooth_grad_cam_pp", layer="conv", class_idx=1, relative_se=0.0125)
    maps = [DrawnMap(sure, finished.saliency)]
    maps += [DrawnMap(unsure, finished.saliency, error=finished.error)]
    style = Style("turbo", 0.4, 6, panel_errors=True)
    whole = FinishedImage("a.png", finished.image, finished.view, maps, style)
    picture = np.asarray(Image.open(io.BytesIO(WRITERS["panels"].encode(whole))))
    cells = [Cell(finished.saliency, "class 1"), Cell(finished.saliency, "class 1 · ± 1.2 %")]
    cells += [Cell(finished.error, "", peak=float(finished.saliency.max()))]
    names = ["Grad-CAM", "Smooth Grad-CAM++", "its standard error"]
    look = {"view": finished.view, "colormap": "turbo", "alpha": 0.4}
    by_hand = draw_panel(finished.image, [cells], names, [""], "a.png", **look)
    np.testing.assert_array_equal(picture, by_hand)


@pytest.mark.parametrize("kind", ["overlays", "panels"])
def test_uncertain_maps_fade_where_that_is_asked_for(finished, kind):
    from dataclasses import replace

    error = finished.saliency.copy()

    def drawn(fade):
        style = Style("turbo", 0.4, 6, fade_uncertain=fade)
        if kind == "overlays":
            return encode(kind, replace(finished, error=error, style=style))
        maps = [DrawnMap(MapRow(method="grad_cam"), finished.saliency, error=error)]
        whole = FinishedImage("a.png", finished.image, finished.view, maps, style)
        return WRITERS[kind].encode(whole)

    plain, faded = (np.asarray(Image.open(io.BytesIO(drawn(fade)))) for fade in (False, True))
    assert plain.shape == faded.shape
    assert (plain != faded).any()


def test_pictures_of_a_mean_of_scores_show_it_from_its_minimum_on(finished):
    saliency = np.rint(finished.saliency * 64) / np.float32(64)
    raised = FinishedMap(saliency + 8, finished.image, from_minimum=True)
    plain = FinishedMap(saliency - saliency.min(), finished.image)
    for kind in ("heatmaps", "overlays"):
        assert encode(kind, raised) == encode(kind, plain)
    np.testing.assert_array_equal(np.load(io.BytesIO(encode("arrays", raised))), raised.saliency)


def test_arrays_are_raw_float32(finished):
    data = encode("arrays", finished)
    array = np.load(io.BytesIO(data), allow_pickle=False)
    assert array.dtype == np.float32
    assert np.array_equal(array, finished.saliency)
    transposed = FinishedMap(finished.saliency.T.copy().T, finished.image)
    assert encode("arrays", transposed) == data


def test_errors_are_written_as_maps_are_and_coloured_as_their_map_is(finished):
    as_map = FinishedMap(finished.error.copy(), finished.image)
    assert encode("errors", finished) == encode("arrays", as_map)
    picture = np.asarray(Image.open(io.BytesIO(encode("error_heatmaps", finished))))
    peak = float(finished.saliency.max())
    assert np.array_equal(picture, heatmap(finished.error, (30, 40), "turbo", finished.view, peak))
    assert WRITERS["errors"].of_error and not WRITERS["arrays"].of_error


@pytest.mark.parametrize("kind", ["heatmaps", "overlays"])
def test_pictures_have_the_colours_of_the_rendering(finished, kind):
    picture = np.asarray(Image.open(io.BytesIO(encode(kind, finished))))
    size, view = (30, 40), finished.view
    expected = {
        "heatmaps": heatmap(finished.saliency, size, "turbo", view),
        "overlays": overlay(finished.image, finished.saliency, 0.4, "turbo", view),
    }[kind]
    assert picture.shape == (30, 40, 3)
    assert np.array_equal(picture, expected)


@pytest.mark.parametrize("kind", OF_MAPS)
def test_every_writer_is_deterministic_and_refuses_what_is_not_finite(finished, kind):
    assert encode(kind, finished) == encode(kind, finished)
    for value in (np.nan, np.inf):
        bad = finished.saliency.copy()
        bad[0, 0] = value
        with pytest.raises(ValueError, match="finite"):
            encode(kind, FinishedMap(bad, finished.image, error=finished.error))
        with pytest.raises(ValueError, match="finite"):
            encode(kind, FinishedMap(finished.saliency, finished.image, error=bad))


@pytest.mark.parametrize("kind", OF_MAPS)
def test_one_pixel_and_a_flat_map(kind):
    zeros = np.zeros((1, 1), np.float32)
    flat = FinishedMap(zeros, np.zeros((1, 1, 3), np.uint8), error=zeros)
    assert encode(kind, flat)
