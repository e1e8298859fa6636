"""A made-up evaluation: a summary, its rows, and an output tree with or without pictures."""

import math

import cv2
import numpy as np

from sgcampp.evaluation.rows import EvaluationRow, Series
from sgcampp.evaluation.summary import Cell, Compared, MetricFacts, SeriesSummary, Summary
from sgcampp.statistics.intervals import Interval
from sgcampp.statistics.paired import Comparison
from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.open_tree import OutputTree
from sgcampp.tree.rows import OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord

LAYERS = ("block15_expand_act", "block10_expand_act")
AGAINST = "grad_cam_pp"
METHODS = ("grad_cam", AGAINST, "smooth_grad_cam_pp")
REFERENCES = ("ref_ones", "ref_random", "ref_edges")
METRICS = [
    MetricFacts("average_drop", "What of p₀ is lost where only the map is left.", "less", "%"),
    MetricFacts("insertion", "Area under p as pixels are put in.", "more", ""),
    MetricFacts("deletion", "Area under p as pixels are taken out.", "less", ""),
    MetricFacts("sharpness", "Total variation; a description.", "", ""),
]
VERDICTS = ("better", "worse", "no difference shown", "identical", "not above ref_random")
SPEARMAN = [
    [1.0, -0.41, 0.3, None],
    [-0.41, 1.0, -0.2, 0.004],
    [0.3, -0.2, 1.0, 0.1],
    [None, 0.004, 0.1, 1.0],
]
CURVES = ("deletion_curve", "insertion_curve", "lerf_curve")
SHARES = [step / 20 for step in range(21)]
HOSTILE = '</script><img src=x onerror=alert(1)>\u202e"&amp;'


def series_of(methods=METHODS, layers=LAYERS):
    """Smoothed ones carry a setting."""
    settings = {"smooth_grad_cam_pp": '{"nsamples": 16, "std_dev": 0.15}'}
    return [Series(m, layer, settings.get(m, "{}")) for layer in layers for m in methods]


def summary_of(methods=METHODS, layers=LAYERS, against=AGAINST, curves=CURVES, images=1000):
    every = [*series_of(methods, layers), *series_of(REFERENCES, layers)]
    found = [_series(number, one, against, curves, images) for number, one in enumerate(every)]
    return Summary(
        metrics=METRICS,
        series=found,
        against=against,
        spearman=SPEARMAN,
        left_out={"class_not_explained": 12, "zero_map": 3},
        failed={"out_of_memory": 2},
        images=images,
        sentences=[
            "average_drop at block15_expand_act: smooth_grad_cam_pp is better than grad_cam_pp.",
            "insertion at block10_expand_act: no difference shown.",
        ],
    )


def _series(number, series, against, curves, images):
    base = series_of((against,), (series.layer,))[0] if against else None
    cells = {
        facts.name: _cell(10 * number + i, facts, base if base != series else None, images)
        for i, facts in enumerate(METRICS)
    }
    drawn = {name: _curve(name, number, images) for name in curves}
    if curves:
        drawn["shares"] = [Interval(share, share, share, images, "constant") for share in SHARES]
    return SeriesSummary(series, images, 2 * images, number % 3, cells, drawn)


def _cell(number, facts, other, images):
    size = 100 if facts.unit else 1
    mean = size * (0.3 + 0.5 * math.sin(number) ** 2)
    half = size * 0.0123456
    compared = None
    if other and facts.better:
        difference = size * 0.02 * math.cos(number)
        interval = Interval(difference, difference - half, difference + half, images)
        word = VERDICTS[(number // 10 + number) % 5]
        p = None if word == "identical" else 0.00001 * 3 ** (number % 10)
        wins = 400 + number
        test = None if p is None else "sign-flip"
        found = Comparison(interval, p, test, p, wins, 100, 500 - number, half, p is None)
        compared = Compared(other, found, None if p is None else min(1.0, 2 * p), word)
    undefined = {"flat_map": 7} if facts.name == "sharpness" else {}
    above = None if not facts.better else number % 4 != 0
    return Cell(Interval(mean, mean - half, mean + half, images), undefined, compared, above)


def _curve(name, number, images):
    rises = name == "insertion_curve"
    power = 1.5 + 0.3 * number
    values = [0.05 + 0.8 * (share if rises else 1 - share) ** power for share in SHARES]
    return [Interval(v, v - 0.02, v + 0.025, images) for v in values]


def rows_of(keys, methods=METHODS, layers=LAYERS):
    """A row a map; the gain of the smoothed method grows with the number of the image."""
    for number, key in enumerate(keys):
        for place, series in enumerate([*series_of(methods, layers), *series_of(REFERENCES)]):
            gain = (number - len(keys) / 2) * (series.method == "smooth_grad_cam_pp")
            yield EvaluationRow(
                key=key,
                method=series.method,
                layer=series.layer,
                across={"nsamples": 16, "std_dev": 0.15} if series.settings != "{}" else None,
                class_idx=134,
                p0=0.8,
                logit0=7.5,
                metrics={
                    "average_drop": 50 - gain,
                    "insertion": 0.5 - gain / 1000,
                    "deletion": 0.25,
                    "sharpness": float(place),
                },
                curves={"shares": SHARES, "insertion_curve": [0.5] * len(SHARES)},
                finished=1.0,
            )


def tree_of(out, keys, pictures=True, model="embedded"):
    """A tree whose manifest has the keys; with pictures, overlays and panels lie in it."""
    out.mkdir(exist_ok=True)
    store = LocalStore(out)
    rng = np.random.default_rng(0)
    with manifest_writer(store, "manifest/part-00000.jsonl") as manifest:
        manifest.append([_manifest_row(out, key, n, pictures, rng) for n, key in enumerate(keys)])
    record = RunRecord("f" * 64, list(LAYERS), 8, 2, True, len(keys), None, {"sgcampp": "0"})
    return OutputTree(store, {"model": model}, record)


def _manifest_row(out, key, number, pictures, rng):
    maps = []
    for place, series in enumerate(series_of()):
        files = {"overlays": f"overlays/{number:03d}.{place}.png"} if pictures else {}
        across = {"nsamples": 16, "std_dev": 0.15} if series.settings != "{}" else None
        labelled = {"class_idx": 134, "class_name": "crane", "across": across}
        maps.append(MapRow(files=files, method=series.method, layer=series.layer, **labelled))
        for path in files.values():
            _picture(out / path, rng)
    files = {"panels": f"panels/{number:03d}.png"} if pictures else {}
    for path in files.values():
        _picture(out / path, rng)
    return Row(key, OK, files=files, maps=maps)


def _picture(path, rng):
    path.parent.mkdir(exist_ok=True)
    small = rng.integers(0, 255, (6, 8, 3), np.uint8)
    cv2.imwrite(str(path), cv2.resize(small, (160, 120), interpolation=cv2.INTER_CUBIC))
