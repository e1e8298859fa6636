import cv2
import numpy as np
import pytest
import skimage.data

from sgcampp.errors import UserError
from sgcampp.pictures import rendering
from sgcampp.pictures.rendering import COLORMAPS, heatmap, overlay, robust_peak


def upsample(saliency, size, view=None, peak=None):
    """The heat of each pixel, which pictures colour: float32 [H, W], 0 to 1."""
    strips = rendering._strips(saliency, size, view, peak, False)
    return np.concatenate([heat for _, heat in strips])


@pytest.fixture
def blob() -> np.ndarray:
    rows, columns = np.mgrid[:7, :7]
    return np.exp(-((rows - 2) ** 2 + (columns - 4) ** 2) / 4).astype(np.float32)


def test_upsampling_is_bilinear_with_half_pixel_centres(blob):
    expected = cv2.resize(blob / blob.max(), (451, 300), interpolation=cv2.INTER_LINEAR)
    assert np.abs(upsample(blob, (300, 451)) - expected).max() < 1e-6


def test_upsampling_by_hand():
    heat = upsample(np.array([[0.0, 2.0]], np.float32), (1, 4))
    assert heat.tolist() == [[0, 0.25, 0.75, 1]]


def test_a_view_places_the_map(blob):
    inside = upsample(blob, (50, 60))
    heat = upsample(blob, (100, 120), view=(20, 10, 50, 60))
    assert np.array_equal(heat[20:70, 10:70] > 0, inside > 0)
    assert np.abs(heat[20:70, 10:70] - inside).max() < 1e-6
    heat[20:70, 10:70] = 0
    assert not heat.any()


def test_a_view_between_pixels_is_not_rounded(blob):
    fine = upsample(blob, (200, 200), view=(5, 7, 100, 100))
    coarse = upsample(blob, (100, 100), view=(2.5, 3.5, 50, 50))
    assert np.abs(fine.reshape(100, 2, 100, 2).mean(axis=(1, 3)) - coarse)[5:50, 5:50].max() < 0.02


def test_a_view_may_reach_beyond_the_image(blob):
    heat = upsample(blob, (30, 40), view=(-5, -5, 40, 50))
    assert np.abs(heat - upsample(blob, (40, 50))[5:35, 5:45]).max() < 1e-6


@pytest.mark.parametrize("scale", [1e-44, 1e-38, 1e-20, 1, 1e30, 3e38])
def test_the_scale_of_a_map_does_not_matter(blob, scale):
    scaled = (blob.astype(np.float64) * scale).astype(np.float32)
    heat = upsample(scaled, (20, 20))
    assert np.isfinite(heat).all()
    assert heat.min() >= 0
    assert heat.max() <= 1
    if scale > 1e-40:
        assert np.abs(heat - upsample(blob, (20, 20))).max() < 1e-5


@pytest.mark.parametrize("colormap", COLORMAPS)
def test_zero_stays_zero_and_the_maximum_is_the_last_colour(colormap):
    saliency = np.zeros((2, 2), np.float32)
    flat = heatmap(saliency, (5, 6), colormap)
    assert flat.shape == (5, 6, 3)
    assert flat.dtype == np.uint8
    assert len(np.unique(flat.reshape(-1, 3), axis=0)) == 1
    saliency[:] = 3
    assert not np.array_equal(heatmap(saliency, (5, 6), colormap), flat)


def test_colours_are_rgb():
    saliency = np.ones((1, 1), np.float32)
    assert heatmap(saliency, (1, 1), "viridis")[0, 0].tolist() == pytest.approx(
        [253, 231, 37], abs=2
    )
    assert heatmap(saliency * 0, (1, 1), "viridis")[0, 0].tolist() == pytest.approx(
        [68, 1, 84], abs=2
    )
    assert heatmap(saliency, (1, 1), "jet")[0, 0].argmax() == 0
    assert heatmap(saliency, (1, 1), "gray")[0, 0].tolist() == [255] * 3


def test_an_unknown_colour_map_is_refused_with_the_nearest(blob):
    with pytest.raises(UserError, match="did you mean 'viridis'"):
        heatmap(blob, (10, 10), "virids")


@pytest.mark.parametrize("size", [(1, 1), (1, 50), (50, 1), (3, 3), (3000, 5000)])
def test_any_size(blob, size):
    picture = overlay(np.full((*size, 3), 200, np.uint8), blob)
    assert picture.shape == (*size, 3)


def test_the_overlay_keeps_the_image_where_there_is_no_heat(blob):
    image = skimage.data.chelsea()
    assert np.array_equal(overlay(image, np.zeros((7, 7), np.float32)), image)
    assert np.array_equal(overlay(image, blob, alpha=0), image)


def test_the_overlay_has_alpha_of_the_colour_at_the_maximum():
    image = np.full((4, 4, 3), 100, np.uint8)
    one = np.ones((1, 1), np.float32)
    colour = heatmap(one, (4, 4)).astype(float)
    assert np.array_equal(overlay(image, one, alpha=1), colour)
    assert np.abs(overlay(image, one, alpha=0.5) - (colour + image) / 2).max() <= 0.5


def test_the_overlay_darkens_what_the_model_did_not_see():
    image = skimage.data.chelsea()
    picture = overlay(image, np.zeros((7, 7), np.float32), view=(22, 97.5, 256, 256))
    assert np.array_equal(picture[22:278, 97:353], image[22:278, 97:353])
    unseen = np.ones(image.shape[:2], bool)
    unseen[22:278, 97:353] = False
    assert np.array_equal(picture[unseen], image[unseen] // 2)


@pytest.mark.parametrize("alpha", [-0.1, 1.1, float("nan")])
def test_alpha_outside_its_range_is_refused(blob, alpha):
    with pytest.raises(UserError, match="alpha"):
        overlay(np.zeros((4, 4, 3), np.uint8), blob, alpha)


@pytest.mark.parametrize("value", [np.nan, np.inf, -1])
def test_maps_that_cannot_be_are_refused(blob, value):
    blob[3, 3] = value
    with pytest.raises(ValueError, match="saliency map"):
        heatmap(blob, (10, 10))


def test_a_peak_makes_maps_comparable(blob):
    assert (
        np.abs(upsample(blob / 2, (20, 20), peak=1.0) - upsample(blob, (20, 20)) / 2).max() < 1e-6
    )
    half = heatmap(np.full((1, 1), 0.5, np.float32), (1, 1), "gray", peak=1.0)
    assert half.tolist() == [[[128] * 3]]
    image = np.full((20, 30, 3), 90, np.uint8)
    assert np.array_equal(overlay(image, blob, peak=float(blob.max())), overlay(image, blob))
    assert not np.array_equal(overlay(image, blob, peak=2.0), overlay(image, blob))


@pytest.mark.parametrize("peak", [0.0, 1e-44, 0.25])
def test_above_the_peak_all_is_the_last_colour(peak):
    heat = upsample(np.array([[0, 0.5, 1, 9]], np.float32), (1, 4), peak=peak)
    assert heat.tolist() == [[0, 1, 1, 1]]


@pytest.mark.parametrize("peak", [-1.0, np.nan, np.inf])
def test_a_peak_that_is_no_size_is_refused(blob, peak):
    with pytest.raises(ValueError, match="peak"):
        heatmap(blob, (10, 10), peak=peak)


@pytest.mark.parametrize("image", [np.zeros((4, 4), np.uint8), np.zeros((4, 4, 3), np.float32)])
def test_images_that_are_not_uint8_rgb_are_refused(blob, image):
    with pytest.raises(ValueError, match="uint8"):
        overlay(image, blob)


def test_a_robust_peak_leaves_a_hundredth_of_the_pixels_above():
    saliency = np.arange(1000, dtype=np.float32).reshape(20, 50)
    peak = robust_peak(saliency)
    assert (saliency > peak).sum() == 10
    assert robust_peak(np.eye(200, dtype=np.float32)) is None
    assert robust_peak(np.zeros((3, 3), np.float32)) is None


def test_signed_maps_run_from_blue_over_white_to_red():
    saliency = np.array([[-2, -1, 0, 1, 4]], np.float32)
    picture = heatmap(saliency, (1, 5), "viridis", peak=2, signed=True)[0].astype(int)
    assert picture[0].tolist() == [5, 48, 97]
    assert picture[4].tolist() == [103, 0, 31]
    assert picture[2] == pytest.approx([247, 247, 247], abs=3)
    assert picture[1, 2] > picture[1, 0] and picture[3, 0] > picture[3, 2]
    # By the largest absolute value, if nothing else is said.
    np.testing.assert_array_equal(
        heatmap(-saliency, (1, 5), signed=True), heatmap(-saliency, (1, 5), peak=4, signed=True)
    )
    assert not np.array_equal(heatmap(np.abs(saliency), (1, 5)), picture[None])


def test_the_overlay_of_a_signed_map_shows_both_signs_and_no_zero():
    image = np.full((1, 3, 3), 100, np.uint8)
    picture = overlay(image, np.array([[-1, 0, 1]], np.float32), alpha=1, signed=True)
    assert picture[0].tolist() == [[5, 48, 97], [100] * 3, [103, 0, 31]]


def test_the_robust_peak_of_a_signed_map_is_of_absolute_values():
    values = np.random.default_rng(0).normal(size=(30, 30))
    assert robust_peak(-values) == robust_peak(values) == np.percentile(np.abs(values), 99)


def test_a_negative_value_is_refused_where_none_is_said_to_be():
    with pytest.raises(ValueError, match="not negative"):
        heatmap(np.array([[-1.0]]), (1, 1))


def test_the_overlay_fades_where_two_standard_errors_exceed_the_map():
    """By hand: heat 1 and 1/4, sure of the first, four times too unsure of the second."""
    image = np.zeros((1, 2, 3), np.uint8)
    saliency, error = np.array([[8, 2]], np.float32), np.array([[4, 4]], np.float32)
    drawn = overlay(image, saliency, 0.5, "gray", error=error)
    grey = [255 * 0.5, 64 * 0.5 * (2 / 8) * np.sqrt(1 / 4)]
    np.testing.assert_array_equal(drawn[0, :, 0], np.floor(np.add(grey, 0.5)))
    sure = overlay(image, saliency, 0.5, "gray", error=saliency / 2)
    np.testing.assert_array_equal(sure, overlay(image, saliency, 0.5, "gray"))


def test_fading_divides_nothing_by_zero():
    image = np.full((2, 2, 3), 9, np.uint8)
    nothing = np.zeros((2, 2), np.float32)
    for error in (nothing, nothing + 1):
        np.testing.assert_array_equal(overlay(image, nothing, error=error), image)
