import base64
import html
import re
import sys
from dataclasses import replace

import cv2
import numpy as np
import pytest
import tiny

import sgcampp
from sgcampp.api.figure import plot, repr_html
from sgcampp.errors import UserError
from sgcampp.pictures.rendering import robust_peak
from sgcampp.pictures.writers import FinishedMap, encode

LOW, HIGH = (
    edge(axis=(1, 2, 3), keepdims=True) for edge in (tiny.images(3).min, tiny.images(3).max)
)
NAMES = ["ant", "<b>bee</b>", "cat & co", "$x^2$"]


@pytest.fixture(scope="module")
def model(twin):
    return twin.model


@pytest.fixture(scope="module")
def found(model):
    """Maps of three images, one class an image."""
    return sgcampp.Explainer(model, nsamples=4)(tiny.images(3))


@pytest.fixture(scope="module")
def found_top2(model):
    """Maps of three images, two classes an image."""
    return sgcampp.Explainer(model, nsamples=4)(tiny.images(3), "top2")


@pytest.fixture(scope="module")
def flat(found):
    return replace(
        found, maps=np.zeros_like(found.maps), reasons=np.array(["no_gradient"] * len(found.maps))
    )


def parts(figure):
    """(axes with maps, axes of colour bars)."""
    bars = [axes for axes in figure.axes if axes.get_label() == "<colorbar>"]
    return [axes for axes in figure.axes if axes.images], bars


def titles(figure):
    return [axes.get_title() for axes in parts(figure)[0]]


def thumbnails(page):
    """The pictures of a page, uint8 BGR."""
    sources = re.findall(r'src="data:image/png;base64,([^"]+)"', page)
    decoded = (np.frombuffer(base64.b64decode(source), np.uint8) for source in sources)
    return [cv2.imdecode(data, cv2.IMREAD_COLOR) for data in decoded]


def test_each_map_is_drawn_as_it_is_with_a_bar_up_to_its_maximum(found):
    maps, bars = parts(plot(found))
    assert len(maps) == len(bars) == 3
    for axes, bar, saliency in zip(maps, bars, found.maps, strict=True):
        (drawn,) = axes.images
        assert np.array_equal(drawn.get_array(), sgcampp.heatmap(saliency, (224, 224)))
        assert bar.get_ylim() == (0, pytest.approx(saliency.max()))


def test_a_map_over_its_image_is_the_overlay_that_a_run_writes(found):
    images = np.random.default_rng(0).integers(0, 255, (3, 40, 60, 3), dtype=np.uint8)
    for axes, image, saliency in zip(
        parts(plot(found, images))[0], images, found.maps, strict=True
    ):
        (drawn,) = axes.images
        finished = FinishedMap(saliency, image)
        written = cv2.imdecode(
            np.frombuffer(encode("overlays", finished), np.uint8), cv2.IMREAD_COLOR_RGB
        )
        assert np.array_equal(drawn.get_array(), written)


def test_pixel_space_maps_end_where_those_of_a_run_do(model):
    found = sgcampp.Explainer(model, method="gradient")(tiny.images(1))
    (axes,), (bar,) = parts(plot(found))
    peak = robust_peak(found.maps[0])
    assert peak < found.maps[0].max()
    assert bar.get_ylim() == (0, pytest.approx(peak))
    (drawn,) = axes.images
    assert np.array_equal(drawn.get_array(), sgcampp.heatmap(found.maps[0], (224, 224), peak=peak))


def test_the_models_own_input_is_shown_from_minimum_to_maximum(found):
    inputs = tiny.images(3) * np.array([1, 5, 0], np.float32)[:, None, None, None]
    flat = replace(found, maps=np.zeros_like(found.maps))
    shown = [axes.images[0].get_array() for axes in parts(plot(flat, inputs))[0]]
    assert [(image.min(), image.max()) for image in shown] == [(0, 255), (0, 255), (0, 0)]
    back = shown[1] / 255 * (inputs[1].max() - inputs[1].min()) + inputs[1].min()
    assert np.allclose(back, inputs[1], atol=10 / 255)


@pytest.mark.parametrize("channels", [1, 2, 4])
def test_images_without_three_channels_are_grey(found, channels):
    images = np.ones((3, 8, 8, channels), np.float32)
    flat = replace(found, maps=np.zeros_like(found.maps))
    drawn = parts(plot(flat, images))[0][0].images[0].get_array()
    assert drawn.shape == (8, 8, 3)
    assert len(np.unique(drawn)) == 1


def test_titles_say_class_score_probability_and_effective_samples(found):
    named = replace(found, class_names=NAMES)
    for number, title in enumerate(titles(plot(named))):
        index = found.class_idx[number]
        assert title.startswith(f"{NAMES[index]} ({index})\n")
        assert f"score {found.scores[number]:.2f}" in title
        assert f"p {found.probabilities[number]:.2f}" in title
        assert f"ess {found.ess[number]:.1f} of 4" in title
    assert titles(plot(found))[0].startswith(f"class {found.class_idx[0]}\n")


def test_what_is_not_known_is_left_out(found):
    bare = replace(found, probabilities=np.full(3, np.nan), nsamples=0)
    for title in titles(plot(bare)):
        assert not any(word in title for word in ("nan", ", p", ", ess"))


def test_a_contrast_names_both_classes(model):
    contrast = sgcampp.Explainer(model)(tiny.images(1), "1-vs-3")
    (title,) = titles(plot(replace(contrast, class_names=NAMES)))
    assert title.replace("\n", " ").startswith("<b>bee</b> (1) against $x^2$ (3) score")


def test_integrated_gradients_say_how_complete_they_are(model):
    found = sgcampp.Explainer(model, method="integrated_gradients")(tiny.images(1))
    (title,) = titles(plot(found))
    assert f"completeness {found.completeness[0]:.3f}" in title
    assert ", ess" not in title


def test_a_map_of_zeros_says_why_and_has_no_bar(flat):
    maps, bars = parts(plot(flat))
    assert all("all zeros: no gradient" in axes.get_title() for axes in maps)
    assert bars == []


def test_classes_stand_in_columns(found_top2):
    figure = plot(found_top2, tiny.images(3))
    specs = [axes.get_subplotspec() for axes in parts(figure)[0]]
    places = {(spec.rowspan.start, spec.colspan.start) for spec in specs}
    assert places == {(row, column) for row in range(3) for column in range(2)}
    pictures = np.rint((tiny.images(3) - LOW) / (HIGH - LOW) * 255).astype(np.uint8).repeat(2, 0)
    for axes, picture, saliency in zip(
        parts(figure)[0], pictures, found_top2.maps.reshape(6, 8, 8), strict=True
    ):
        expected = sgcampp.overlay(picture, saliency)
        assert np.abs(axes.images[0].get_array().astype(int) - expected).max() <= 1


def test_the_heading_says_method_and_layer(found):
    assert plot(found).get_suptitle() == "smooth_grad_cam_pp at features"


def test_a_figure_can_be_saved_and_shown_whatever_the_names(found, tmp_path):
    odd = replace(found, class_names=["$\\broken{$", "x" * 300, "写真", "a_b^c"])
    figure = plot(odd, tiny.images(3))
    figure.savefig(tmp_path / "figure.png")
    for data in (np.fromfile(tmp_path / "figure.png", np.uint8), figure._repr_png_()):
        picture = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR)
        assert picture.std() > 10


def test_plotting_leaves_pyplot_alone(found):
    import matplotlib.pyplot as plt

    plot(found)
    assert plt.get_fignums() == []


@pytest.mark.parametrize("shape", [(8, 8, 3), (2, 8, 8, 3), (3, 8, 8), (3, 0, 8, 3)])
def test_images_that_do_not_fit_are_refused(found, shape):
    with pytest.raises(UserError, match=r"accepted: \[3, H, W, C\]"):
        plot(found, np.zeros(shape, np.uint8))


def test_without_matplotlib_the_extra_is_named(found, monkeypatch):
    monkeypatch.setitem(sys.modules, "matplotlib", None)
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(UserError, match=r"pip install 'sgcampp\[plot\]'"):
        plot(found)
    assert "<table>" in repr_html(found)


def test_the_table_has_a_row_and_a_thumbnail_for_each_map(found_top2):
    page = repr_html(found_top2)
    assert page.count("<tr>") == 1 + 6
    pictures = thumbnails(page)
    assert [picture.shape for picture in pictures] == [(96, 96, 3)] * 6
    for picture, saliency in zip(pictures, found_top2.maps.reshape(6, 8, 8), strict=True):
        row, column = np.unravel_index(saliency.argmax(), saliency.shape)
        yellow = picture[row * 12 + 6, column * 12 + 6]
        assert yellow[2] > 200
        assert yellow[0] < 100
    for score in found_top2.scores.ravel():
        assert f"<td>{score:.2f}</td>" in page


def test_the_table_is_escaped(found):
    page = repr_html(replace(found, class_names=["<script>"] * 4, layer_name="<i>\ud800"))
    assert "<script>" not in page
    assert "<i>" not in page
    assert f"{html.escape('<script>')} ({found.class_idx[0]})" in page
    page.encode("utf-8")


def test_the_table_says_why_a_map_is_all_zeros(flat):
    page = repr_html(flat)
    assert page.count("all zeros: no gradient") == 3
    assert all(len(np.unique(picture.reshape(-1, 3), axis=0)) == 1 for picture in thumbnails(page))


def test_a_long_table_says_how_many_maps_are_left(model):
    page = repr_html(sgcampp.Explainer(model)(tiny.images(23)))
    assert page.count("<img") == 20
    assert "and 3 more" in page


@pytest.mark.parametrize("shape", [(1, 500), (500, 3), (1, 1), (224, 300)])
def test_thumbnails_of_any_shape(found, shape):
    maps = np.random.default_rng(0).random((3, *shape)).astype(np.float32)
    for picture in thumbnails(repr_html(replace(found, maps=maps))):
        assert max(picture.shape[:2]) == 96
