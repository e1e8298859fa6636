"""Which maps of a tree are compared with each other, and how they are brought to one size."""

import numpy as np
import pytest
from strategy_tree import write_tree

from sgcampp.errors import UserError
from sgcampp.strategies.heat import LARGEST_SIDE
from sgcampp.strategies.maps import Wanted, group_maps
from sgcampp.tree.open_tree import open_tree

FEW = Wanted(at_least=5)


def groups_in(tmp_path, heat, wanted=FEW, **fields):
    return group_maps(open_tree(write_tree(tmp_path / "out", heat, **fields)), wanted)


def test_a_group_is_a_class_by_a_method_at_a_layer(tmp_path):
    classes = [1] * 6 + [2] * 5 + [3] * 2
    names = ["dog"] * 6 + ["cat"] * 5 + ["fish"] * 2
    heat = np.random.default_rng(0).random((13, 3, 4))
    found, few = groups_in(tmp_path, heat, class_idx=classes, class_name=names)
    assert [(maps.group.class_name, len(maps.members)) for maps in found] == [
        ("cat", 5),
        ("dog", 6),
    ]
    assert [(group.class_name, count) for group, count in few.items()] == [("fish", 2)]
    dogs = found[1]
    assert [member.key for member in dogs.members] == [f"{n:03d}.png" for n in range(6)]
    assert dogs.members[0].picture == "overlays/000.png.png"
    np.testing.assert_allclose(dogs.heat, heat[:6] / heat[:6].sum((1, 2), keepdims=True), rtol=1e-6)


def test_maps_without_heat_are_counted_and_left_out(tmp_path):
    heat = np.ones((8, 2, 2))
    heat[[1, 4]] = 0
    (maps,), _ = groups_in(tmp_path, heat)
    assert maps.flat == 2
    assert len(maps.members) == len(maps.heat) == 6


def test_large_maps_keep_their_heat_where_it_is(tmp_path):
    heat = np.zeros((5, 4 * LARGEST_SIDE, 2 * LARGEST_SIDE))
    heat[:, :4, :4] = 2  # one cell of the small map high, two wide
    heat[:, -4:, -2:] = 1
    (maps,), _ = groups_in(tmp_path, heat)
    small = np.zeros((LARGEST_SIDE, LARGEST_SIDE))
    small[0, :2], small[-1, -1] = 2 / 5, 1 / 5
    np.testing.assert_allclose(maps.heat[0], small, atol=1e-7)


@pytest.mark.parametrize(
    ("wanted", "said"),
    [
        (Wanted(class_="ibex"), "no maps of the class 'ibex': it has dog"),
        (Wanted(method="rise"), "no maps of the method 'rise': it has grad_cam"),
        (Wanted(layer="early"), "no maps of the layer 'early': it has late"),
    ],
)
def test_what_is_not_there_is_named_beside_what_is(tmp_path, wanted, said):
    with pytest.raises(UserError, match=said):
        groups_in(tmp_path, np.ones((5, 2, 2)), wanted)


def test_a_class_is_known_by_name_and_by_index(tmp_path):
    tree = open_tree(write_tree(tmp_path / "out", np.ones((5, 2, 2))))
    for name in ("dog", "1"):
        assert len(group_maps(tree, Wanted(class_=name, at_least=5))[0]) == 1


def test_a_tree_without_arrays_is_refused(tmp_path):
    with pytest.raises(UserError, match="--write arrays"):
        groups_in(tmp_path, np.ones((5, 2, 2)), write=("overlays",))


def test_a_contrast_is_a_group_of_its_own(tmp_path):
    fields = {"against_idx": 2, "against_name": "cat"}
    (maps,), _ = groups_in(tmp_path, np.ones((5, 2, 2)), **fields)
    assert maps.group.class_name == "dog against cat"
