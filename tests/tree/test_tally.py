from sgcampp.tree.rows import FAILED, OK, MapRow, Row
from sgcampp.tree.tally import Tally


def test_rows_are_counted_once_for_everybody():
    dog, contrast = {"class_idx": 1, "class_name": "dog"}, {"against_idx": 2, "against_name": "cat"}
    rows = [
        Row("a", OK, seconds=2.0, finished=100, maps=[MapRow(**dog), MapRow(**dog, **contrast)]),
        Row("b", OK, seconds=1.0, finished=110, maps=[MapRow(**dog, nsamples=9, ess=4.0)]),
        Row("c", OK, finished=120, maps=[MapRow(reason="no_gradient", nsamples=9, ess=4.5)]),
        Row("d", FAILED, reason="empty", finished=120),
        Row("e", FAILED, reason="empty", finished=90),
        Row("f", OK, finished=120, maps=[MapRow(completeness=0.06), MapRow(completeness=0.05)]),
    ]
    tally = Tally()
    for row in rows:
        tally.add(row)
    assert (tally.explained, tally.failed, tally.reasons) == (4, 2, {"empty": 2})
    assert (tally.maps, tally.flat, tally.poorly_sampled, tally.incomplete) == (6, 1, 1, 1)
    assert (tally.seconds, tally.first, tally.last) == (3.0, 90, 120)
    assert tally.rate == 6 / 30
    assert tally.classes[(1, "dog"), (None, None)] == 2
    assert tally.classes[(1, "dog"), (2, "cat")] == 1


def test_an_instant_has_no_rate():
    tally = Tally()
    assert tally.rate is None
    tally.add(Row("a", OK, finished=5.0))
    assert tally.rate is None
