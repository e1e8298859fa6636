"""A background in little memory: order kept, ranks by counting, the same whatever the listing."""

import numpy as np
import pytest

from sgcampp.engine.background import (
    Background,
    check_size,
    identity_in,
    ordered_codes,
    sampling_order,
)
from sgcampp.errors import UserError
from sgcampp.explain.scanning import p_values, scan


def test_codes_keep_the_order_of_activations():
    x = np.array([-np.inf, -7e4, -2.5, -1e-3, -0.0, 0.0, 1e-9, 1e-3, 0.5, 1, 3, 7e4, np.inf])
    codes = ordered_codes(x.astype(np.float32))
    assert codes.dtype == np.uint16
    assert (np.diff(codes.astype(int)) >= 0).all()
    assert codes[4] == codes[5] and codes[0] == codes[1] and codes[-1] == codes[-2]
    assert len(set(codes.tolist())) == len(x) - 4  # 1e-9 is too small for a half


@pytest.mark.parametrize("tail", ["upper", "both"])
@pytest.mark.parametrize("n", [1, 7, 8, 33])
def test_p_values_are_those_of_counting(tail, n):
    rng = np.random.default_rng(n)
    rows = np.maximum(rng.normal(size=(n, 24)).round(1), 0).astype(np.float32)
    image = np.maximum(rng.normal(size=24).round(1), 0).astype(np.float32)
    image[0] = 60_000  # the next code is beyond that of any other
    background = Background({}, (2, 3, 4), ordered_codes(rows))
    higher, lower = (rows >= image).sum(0), (rows <= image).sum(0)
    np.testing.assert_allclose(
        background.p_values(ordered_codes(image), tail), p_values(higher, lower, n, tail)
    )
    own = p_values((rows >= rows[0]).sum(0), (rows <= rows[0]).sum(0), n, tail, own=True)
    np.testing.assert_allclose(background.p_values(background.rows[0], tail, own=True), own)


def test_the_sample_does_not_depend_on_the_order_of_the_listing():
    keys = [f"photos/{i}.jpg" for i in range(500)]
    taken = {keys[i] for i in sampling_order(3, keys)[:50]}
    turned = keys[::-1]
    assert {turned[i] for i in sampling_order(3, turned)[:50]} == taken
    more = [*keys, "photos/new.jpg"]
    assert len({more[i] for i in sampling_order(3, more)[:50]} - taken) <= 1
    assert {keys[i] for i in sampling_order(4, keys)[:50]} != taken
    places = [int(key[7:-4]) for key in taken]
    assert 150 < np.mean(places) < 350  # from everywhere


def test_a_file_gives_it_back(tmp_path):
    rows = ordered_codes(np.random.default_rng(0).normal(size=(5, 6)).astype(np.float32))
    background = Background({"layer": "conv", "images": 5}, (1, 2, 3), rows)
    path = tmp_path / "background.npz"
    path.write_bytes(background.to_bytes())
    again = Background.from_file(path)
    assert (again.identity, again.shape) == (background.identity, (1, 2, 3))
    np.testing.assert_array_equal(again.rows, rows)
    assert identity_in(path) == background.identity
    assert again.sha256 == background.sha256
    for content in (b"", path.read_bytes()[:200], b"PK\x03\x04", b"text"):
        path.write_bytes(content)
        with pytest.raises(UserError, match=r"is no background\.npz"):
            Background.from_file(path)
    np.savez(path, identity=np.array("{}"), shape=np.array([1, 2, 4]), rows=rows)
    with pytest.raises(UserError, match="rows have another shape"):
        Background.from_file(path)


def test_what_would_not_fit_into_memory_is_refused():
    check_size(1000, (14, 14, 672))
    with pytest.raises(UserError, match=r"takes 16\.1 GB: choose a later layer, or fewer images"):
        check_size(10_000, (112, 112, 64))


@pytest.mark.parametrize("statistic", ["berk_jones", "higher_criticism"])
def test_an_anomaly_planted_in_five_percent_of_the_neurons_is_found(statistic):
    """Neurons that depend on each other, as in networks; planted: 3 standard deviations."""
    rng = np.random.default_rng(0)
    mixing = rng.normal(size=(8, 400)) * 0.2

    def activations(count):
        return np.maximum(rng.normal(size=(count, 8)) @ mixing + rng.normal(size=(count, 400)), 0)

    background = Background({}, (4, 5, 20), ordered_codes(activations(500).astype(np.float32)))
    planted, images = rng.choice(400, 20, replace=False), activations(200)
    images[100:, planted] += 3
    found = [
        scan(background.p_values(codes, "upper"), statistic, 0.05)
        for codes in ordered_codes(images.astype(np.float32))
    ]
    scores = np.array([one.score for one in found])
    assert (scores[100:, None] > scores[:100]).mean() >= 0.95  # the AUROC
    chosen = np.mean([one.chosen for one in found[100:]], axis=0)
    assert chosen[planted].mean() > 5 * np.delete(chosen, planted).mean()
