"""Images that take as many samples as a tolerance asks for: how many, and to which bits."""

import itertools

import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError
from sgcampp.engine import groups
from sgcampp.engine.device import GaveUp
from sgcampp.engine.grid import LENGTH, lay_out_open
from sgcampp.engine.slots import Slots, Subject
from sgcampp.engine.streaming import stream
from sgcampp.explain.classes import NO_CLASS

MOST, TOLERANCE, BATCH, IMAGES = 120, 0.02, 48, 9
FIELDS = ("whole", "se", "relative_se", "log_scale", "ess", "guarded", "reason")
CODE = np.array([[-1, NO_CLASS]], np.int32)


def explainer(model, method="smooth_grad_cam_pp", **settings):
    settings = {"nsamples": MOST, "std_dev": 0.2, "tolerance": TOLERANCE, **settings}
    return Explainer(model, "features", method, batch_size=BATCH, **settings)


def streamed(explain, images, order=None):
    """{number of an image: its result}, of images that go through in some order."""
    order = range(len(images)) if order is None else order
    ensemble = explain.ensemble(1, images.shape[1:])
    subjects = (Subject(int(i), images[i], CODE) for i in order)
    done = list(stream(ensemble, subjects, ensemble.lay_out(BATCH, IMAGES)))
    assert sorted(each.what for each in done) == sorted(map(int, order))
    assert all(each.seconds > 0 for each in done)
    return {each.what: ensemble.joined(each.results) for each in done}


def assert_same_bits(got, wanted):
    assert got.seen == wanted.seen
    for look, maps in wanted.maps.items():
        for name in FIELDS:
            np.testing.assert_array_equal(getattr(got.maps[look], name), getattr(maps, name), name)


def samples_of(results):
    return [next(iter(results[i].seen.values())).copies for i in sorted(results)]


@pytest.fixture(scope="module")
def explain(twin):
    return explainer(twin.model)


@pytest.fixture(scope="module")
def images():
    """Of little and of much contrast, so that some are easy and some are hard."""
    return tiny.images(IMAGES) * np.linspace(0.1, 1, IMAGES, dtype=np.float32)[:, None, None, None]


@pytest.fixture(scope="module")
def whole(explain, images):
    return streamed(explain, images)


def test_each_image_takes_as_many_samples_as_it_needs(whole):
    used = samples_of(whole)
    assert len(set(used)) > 2
    for i, n in enumerate(used):
        (maps,) = whole[i].maps.values()
        assert 10 <= n <= MOST
        assert maps.relative_se[0, 0] <= TOLERANCE or n == MOST


def test_its_bits_depend_on_its_own_samples_alone(explain, images, whole):
    """Whatever the order, the neighbours, and how late it comes."""
    rng = np.random.default_rng(5)
    for _ in range(3):
        for i, result in streamed(explain, images, rng.permutation(IMAGES)).items():
            assert_same_bits(result, whole[i])
    for i in (0, 4, 8):
        (alone,) = streamed(explain, images, [i]).values()
        assert_same_bits(alone, whole[i])
    few = streamed(explain, images, [7, 2])
    for i in (7, 2):
        assert_same_bits(few[i], whole[i])


def test_an_image_that_overflows_leaves_no_trace_in_its_slot(explain, images, whole):
    odd = images.copy()
    odd[:3] = 3e38
    got = streamed(explain, odd)
    for i in range(3, IMAGES):
        assert_same_bits(got[i], whole[i])


def test_its_map_is_that_of_so_many_samples(twin, images, whole):
    for i, n in list(enumerate(samples_of(whole)))[::4]:
        fixed = explainer(twin.model, nsamples=n, tolerance=None)(images[i : i + 1])
        (maps,) = whole[i].maps.values()
        peak = fixed.maps.max()
        np.testing.assert_allclose(maps.whole[0], fixed.maps, rtol=0, atol=1e-4 * peak)
        np.testing.assert_allclose(maps.relative_se[0], fixed.relative_se, rtol=1e-2)


def test_python_gives_images_in_their_order(explain, images, whole):
    got = explain(images)
    np.testing.assert_array_equal(got.samples, samples_of(whole))
    assert got.nsamples == got.samples.max()
    maps = [next(iter(whole[i].maps.values())).whole[0, 0] for i in range(IMAGES)]
    np.testing.assert_array_equal(got.maps, np.stack(maps))


def test_all_maps_of_an_image_must_be_sure(twin, images):
    """Of several methods, and of several classes."""
    methods = ["smooth_grad_cam_pp", "smooth_grad_cam", "grad_cam"]
    first, second, clean = explainer(twin.model, methods).each(images)
    np.testing.assert_array_equal(first.samples, second.samples)
    assert not clean.samples.any()
    sure = (first.relative_se <= TOLERANCE) & (second.relative_se <= TOLERANCE)
    assert (sure | (first.samples == MOST)).all()
    classes = explainer(twin.model)(images, "top2")
    sure = (np.nan_to_num(classes.relative_se) <= TOLERANCE).all(1)
    assert (sure | (classes.samples == MOST)).all()


def test_looks_of_other_copies_and_affine_heads_run_beside():
    twin, images = tiny.pixel_cnn(), tiny.images(5)
    methods = ["smooth_grad", "integrated_gradients", "guided_grad_cam_pp", "deconvnet"]
    settings = {"std_dev": 0.2, "ig_steps": 6, "batch_size": BATCH}
    found = Explainer(twin.model, "features", methods, nsamples=60, tolerance=0.1, **settings)
    fixed = Explainer(twin.model, "features", methods, nsamples=4, **settings)
    for got, wanted in zip(found.each(images), fixed.each(images), strict=True):
        assert got.method == wanted.method
        if got.method == "smooth_grad":
            assert (got.samples >= 10).all()
            continue
        np.testing.assert_allclose(got.maps, wanted.maps, rtol=0, atol=1e-6 * wanted.maps.max())
        np.testing.assert_array_equal(got.samples, wanted.samples)
    affine = explainer(tiny.affine_cnn())(images)
    assert affine.nsamples == 0
    assert set(affine.no_error) == {"affine_head"}


def test_a_map_of_nothing_is_done_at_once(images):
    twin = tiny.relu_cnn()
    weights = twin.model.get_weights()
    weights[4][:] = 0
    twin.model.set_weights(weights)
    got = explainer(twin.model)(images)
    assert set(got.reasons) == {"no_gradient"}
    assert got.samples.max() < MOST / 4


def test_an_unreachable_tolerance_takes_all_samples(twin, images):
    got = explainer(twin.model, tolerance=1e-9, nsamples=21)(images)
    assert set(got.samples) == {21}
    fixed = explainer(twin.model, tolerance=None, nsamples=21)(images)
    np.testing.assert_allclose(got.maps, fixed.maps, rtol=0, atol=1e-4 * fixed.maps.max())


def test_slots_stay_full_as_long_as_there_are_images(explain, images, monkeypatch):
    ensemble = explain.ensemble(1, images.shape[1:])
    taken, advance = [], Slots.advance

    def counted(self, give_up):
        taken.append(self.taken)
        return advance(self, give_up)

    monkeypatch.setattr(Slots, "advance", counted)
    subjects = (Subject(i, images[i], CODE) for i in itertools.cycle(range(IMAGES)))
    layout = ensemble.lay_out(BATCH, IMAGES)
    list(itertools.islice(stream(ensemble, subjects, layout), 12))
    assert set(taken) == {BATCH // LENGTH}


def test_what_is_under_way_can_be_given_up(explain, images):
    ensemble = explain.ensemble(1, images.shape[1:])
    subjects = (Subject(i, images[i], CODE) for i in range(IMAGES))
    asked = itertools.count()
    with pytest.raises(GaveUp):
        list(stream(ensemble, subjects, ensemble.lay_out(BATCH, IMAGES), lambda: next(asked) > 1))


def test_too_little_memory_for_errors_is_refused(twin, images, monkeypatch):
    monkeypatch.setattr(groups, "ROOM", 1)
    with pytest.raises(UserError, match="too much memory at 'features'"):
        explainer(twin.model)(images)


@pytest.mark.parametrize("most", [4, 7, 25, 200])
@pytest.mark.parametrize("batch_size", [1, 3, 10, 16, 64])
@pytest.mark.parametrize("total", [1, 3, 1000])
def test_open_grids_have_slices_of_one_length_and_are_found_again(most, batch_size, total):
    grid = lay_out_open(most, batch_size, total)
    (length,) = {len(part) for part in grid.slices}
    assert grid.images * length <= batch_size
    assert 1 <= grid.images <= total
    assert length <= LENGTH
    numbers = np.concatenate(grid.slices)
    np.testing.assert_array_equal(numbers, np.arange(len(numbers)))
    assert most + 1 <= len(numbers) < most + 1 + length
    again = lay_out_open(most, batch_size, grid.images)  # as a resume does
    assert (again.images, len(again.slices)) == (grid.images, len(grid.slices))
