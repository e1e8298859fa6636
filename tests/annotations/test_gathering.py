"""What readers find: kept once, counted by reason."""

from sgcampp.annotations.categories import Categories
from sgcampp.annotations.gathering import Dropped, Gathering
from sgcampp.annotations.shapes import Box


def test_reasons_are_counted_and_the_first_is_told():
    gathering = Gathering(Categories(["cat"]))
    gathering.drop("no area", "first")
    gathering.drop("no area", "second")
    gathering.drop("bad outline", "other")
    assert gathering.dropped == {"no area": Dropped(2, "first"), "bad outline": Dropped(1, "other")}


def test_an_image_named_twice_keeps_its_first_size():
    gathering = Gathering(Categories(["cat"]))
    assert gathering.image("a", None).size is None
    assert gathering.image("a", (3, 4)).size == (3, 4)
    assert gathering.image("a", (5, 6)).size == (3, 4)


def test_categories_are_counted_where_they_are_no_class():
    gathering = Gathering(Categories(["cat"]))
    gathering.image("a", None)
    for width, category in enumerate(["cat", "chair", "chair"], 1):
        gathering.add_box("a", category, Box(0, 0, 1, width), "line 1")
    assert gathering.unmapped == {"chair": 2}
    assert [one.classes for one in gathering.images["a"].instances] == [(0,), (), ()]


def test_the_same_box_of_another_category_or_image_is_another_object():
    gathering = Gathering(Categories(["cat", "dog"]))
    for name in ("a", "b"):
        gathering.image(name, None)
        for category in ("cat", "dog"):
            gathering.add_box(name, category, Box(0, 0, 1, 1), "line 1")
    assert not gathering.dropped
