"""Who has which unit, and what becomes of those whose worker dies."""

from sgcampp.cluster.units import Ledger, unit_size
from sgcampp.images.items import Found
from sgcampp.run.backlog import Task


def tasks(count):
    return [Task(Found(f"{number}.png")) for number in range(count)]


def keys(unit):
    return [task.found.key for task in unit.tasks]


def handed(ledger, *workers):
    return [(worker, unit.number, len(unit.tasks)) for worker, unit in ledger.hand_out(workers)]


def test_units_are_groups_but_leave_each_worker_its_share():
    assert unit_size(images_per_step=20, images=10**6, workers=8) == 80
    assert unit_size(images_per_step=1, images=10**6, workers=8) == 32
    assert unit_size(images_per_step=20, images=64, workers=4) == 4
    assert unit_size(images_per_step=20, images=3, workers=8) == 1


def test_every_image_is_handed_out_once_in_its_order_and_only_as_far_ahead_as_there_are_workers():
    drawn = []
    listing = tasks(11)
    ledger = Ledger((drawn.append(task) or task for task in listing), size=2)
    assert handed(ledger, "a", "b") == [("a", 0, 2), ("b", 1, 2), ("a", 2, 2), ("b", 3, 2)]
    assert len(drawn) == 8 and handed(ledger, "a", "b") == []
    held = {worker: list(units) for worker, units in ledger._held.items()}
    assert ledger.done("a", held["a"][0]) and not ledger.done("a", held["a"][0])
    assert not ledger.done("b", held["a"][1])
    assert handed(ledger, "a", "b") == [("a", 4, 2)]
    assert ledger.done("b", held["b"][0]) and ledger.done("b", held["b"][1])
    assert handed(ledger, "a", "b") == [("b", 5, 1)]
    assert ledger.holders() == ["a", "b"] and ledger.held
    assert [key for unit in (*held["a"], *held["b"]) for key in keys(unit)] == [
        f"{n}.png" for n in (0, 1, 4, 5, 2, 3, 6, 7)
    ]


def test_a_dead_workers_units_go_first_and_only_the_one_in_its_hands_is_suspected():
    ledger = Ledger(iter(tasks(20)), size=3)
    assert len(handed(ledger, "a", "b")) == 4
    held, given_up = ledger.lost("a")
    assert ([unit.number for unit in held], given_up) == ([0, 2], [])
    ((_, first),) = ledger.hand_out(["c"])  # and alone, so that it is sure who did it
    assert (first.number, first.losses) == (0, 1)
    assert list(ledger.hand_out(["c"])) == [] and ledger.done("c", first)
    ((_, second),) = ledger.hand_out(["c"])
    assert (second.number, second.losses) == (2, 0) and ledger.done("c", second)
    assert handed(ledger, "c") == [("c", 4, 3), ("c", 5, 3)]
    assert ledger.lost("a") == ([], [])


def test_what_costs_workers_their_lives_is_tried_image_by_image_and_then_given_up():
    ledger = Ledger(iter(tasks(4)), size=2)
    deaths, given_up, done = 0, [], []
    while list(ledger.hand_out([worker := f"worker{deaths}"])) or ledger.held:
        unit = ledger._held[worker][0]
        if "1.png" in keys(unit):
            deaths += 1
            given_up += [task.found.key for task in ledger.lost(worker)[1]]
        else:
            assert ledger.done(worker, unit)
            done += keys(unit)
    assert (deaths, given_up) == (3, ["1.png"])
    assert sorted(done) == ["0.png", "2.png", "3.png"]


def test_what_an_unfit_worker_had_is_not_suspected():
    ledger = Ledger(iter(tasks(4)), size=1)
    assert handed(ledger, "a") == [("a", 0, 1), ("a", 1, 1)]
    ledger.takes_back("a")
    assert [(n, unit.losses) for _, unit in ledger.hand_out(["b"]) for n in [unit.number]] == [
        (0, 0),
        (1, 0),
    ]
