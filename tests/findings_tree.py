"""An output tree with all that is known beside rows: labels, errors, an evaluation, strategies."""

import cv2
import numpy as np
import yaml

from sgcampp.config.run_config import RunConfig
from sgcampp.evaluation.rows import EvaluationRow, to_line
from sgcampp.run.run_file import run_yaml
from sgcampp.storage.local import LocalStore
from sgcampp.strategies.exports import to_lines
from sgcampp.strategies.findings import NO_CLUSTERS, Finding, Strategy
from sgcampp.strategies.maps import Group, Member
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.rows import OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord, versions

NAMES = ("cat", "dog", "two words")
TAKEN = {
    **{f"cat/{n}.png": 0 for n in range(4)},
    **{"cat/4.png": 1, "cat/5.png": 1, "dog/0.png": 1, "dog/1.png": 0, "two_words/0.png": 2},
}
"""What images, labelled by their folders, are taken for."""
METHODS = ("grad_cam", "smooth_grad_cam_pp")
SHAPE = (3, 4)


def heat_of(key, method):
    """An image's map: one hot neuron, and another for what is wrong."""
    heat = np.zeros(SHAPE, np.float32)
    heat[0, METHODS.index(method)] = 2
    if NAMES[TAKEN[key]] != key.partition("/")[0].replace("_", " "):
        heat[2, 3] = 6
    return heat


def write_tree(out, target="argmax", labels=NAMES, **settings):
    """Writes `out`: nine images, two methods, errors of the second, a metric, two strategies."""
    out.mkdir(parents=True)
    (out.parent / "labels.txt").write_text("\n".join(labels))
    named = {"labels": str(out.parent / "labels.txt"), "model": "none.keras", **settings}
    record = RunRecord("0" * 64, ["late"], 6, 1, False, 9, None, versions(), str(out))
    config = RunConfig(sources=[str(out)], write=["arrays", "overlays"], target=target, **named)
    (out / RUN_YAML).write_bytes(run_yaml(config, record))
    rows = [_row(out, key, n) for n, key in enumerate(TAKEN)]
    with manifest_writer(LocalStore(out), "manifest/part-00000.jsonl") as manifest:
        manifest.append(rows)
    return out


def _row(out, key, number):
    maps = []
    for method in METHODS:
        files = {"arrays": f"arrays/{key}.{method}.npy", "overlays": f"overlays/{key}.{method}.png"}
        error = {} if method == METHODS[0] else {"relative_se": (number + 1) / 100}
        if error:
            files["error_heatmaps"] = f"error_heatmaps/{key}.{method}.png"
        for path in files.values():
            (out / path).parent.mkdir(parents=True, exist_ok=True)
        np.save(out / files["arrays"], heat_of(key, method))
        for kind in ("overlays", "error_heatmaps"):
            if kind in files:
                cv2.imwrite(str(out / files[kind]), np.full((30, 40, 3), 25 * number, np.uint8))
        taken = TAKEN[key]
        explained = {"class_idx": taken, "class_name": NAMES[taken], "score": float(number)}
        maps.append(MapRow(files=files, method=method, layer="late", **explained, **error))
    return Row(key, OK, view=[0.0, 0.0, 30.0, 40.0], finished=1.7e9, maps=maps)


def evaluate(out):
    """An evaluation of one metric: the image's number squared, less for the second method."""
    directory = out / "evaluation"
    directory.mkdir()
    (directory / "evaluation.yaml").write_text(yaml.safe_dump({"metrics": ["insertion"]}))
    rows = [
        EvaluationRow(key, method, "late", class_idx=taken, metrics={"insertion": n * n / 64 - k})
        for n, (key, taken) in enumerate(TAKEN.items())
        for k, method in enumerate(METHODS)
    ]
    (directory / "part-00000.jsonl").write_bytes(b"".join(map(to_line, rows)))


def find_strategies(out):
    """Two strategies of the images taken for cats by the first method."""
    cats = [key for key, taken in TAKEN.items() if taken == 0]
    strategies = [_strategy(cats[:2], 0), _strategy(cats[2:], 1)]
    group = Group(METHODS[0], "late", "{}", (), "cat", 0)
    findings = [Finding(group, len(cats), 0, NO_CLUSTERS, strategies)]
    (out / "strategies.jsonl").write_bytes(to_lines(findings))
    return findings


def _strategy(keys, column):
    mean = np.zeros(SHAPE)
    mean[0, column] = 1
    corner = ("top left", 0.1 * (column + 1))
    nearest = [Member(key, None, None) for key in keys]
    return Strategy(len(keys) / 5, keys, mean, None, corner, None, 0.5, 0.1, "top", nearest)
