"""An output tree made by hand, of maps by several methods, layers, settings and classes."""

import hashlib
import itertools
from pathlib import Path

import cv2
import numpy as np

from sgcampp.config.run_config import RunConfig
from sgcampp.pictures.writers import FinishedMap, encode
from sgcampp.run.run_file import run_yaml
from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.rows import FAILED, OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord, versions

METHODS, LAYERS, SAMPLES = ("grad_cam", "smooth_grad_cam_pp"), ("early", "late"), (0, 5)
SHAPES = {"early": [6, 8], "late": [3, 4], "input": [36, 40]}
NAMES = ("a.png", "b.png", "c.png")


def write_tree(directory, write=("arrays", "overlays", "panels"), target_sha256=None):
    """Writes `directory/out` about three images and a broken one; returns its path.

    Maps of the first image: 2 methods × 2 layers × 2 nsamples of class dog, then a contrast and a
    pixel-space map; the second has the grad_cam maps alone, the third none.
    """
    out, pictures = directory / "out", directory / "pictures"
    out.mkdir()
    pictures.mkdir()
    record = RunRecord(
        model_fingerprint="0" * 64,
        layers=[*LAYERS, "input"],
        batch_size=6,
        images_per_step=1,
        frozen=False,
        images=4,
        target_sha256=target_sha256,
        versions=versions(),
        base=str(pictures),
    )
    (out / RUN_YAML).write_bytes(run_yaml(RunConfig(sources=[str(pictures)]), record))
    rng = np.random.default_rng(0)
    rows = [_row(out, pictures, name, write, rng) for name in NAMES]
    with manifest_writer(LocalStore(out), "manifest/part-00000.jsonl") as manifest:
        manifest.append([*rows, Row("d.png", FAILED, reason="empty", error="it has no bytes")])
    return out


def _row(out, pictures, name, write, rng):
    image = rng.integers(0, 255, (30, 40, 3), np.uint8)
    data = cv2.imencode(".png", image)[1].tobytes()
    (pictures / name).write_bytes(data)
    maps = [_map(out, name, image, write, rng, **made) for made in _made(name)]
    files = {"panels": f"panels/{name}.png"} if "panels" in write and maps else {}
    panel = _save(out, files["panels"], data) if files else None
    return Row(
        name,
        OK,
        sha256=hashlib.sha256(data).hexdigest(),
        bytes=len(data),
        mtime_ns=(pictures / name).stat().st_mtime_ns,
        note=None if maps else "no class is more probable than 0.9",
        view=[0.0, 0.0, 30.0, 40.0],
        files=files,
        sha256_files={"panels": panel} if panel else {},
        seconds=0.5,
        finished=1.7e9,
        maps=maps,
    )


def _made(name):
    if name == "c.png":
        return
    for method, layer, n in itertools.product(METHODS, LAYERS, SAMPLES):
        if name == "a.png" or method == "grad_cam":
            settings = {"nsamples": n, "subset": [[0, 1]]}
            yield {"method": method, "layer": layer, "nsamples": n, "across": settings}
    if name == "a.png":
        yield {"method": "grad_cam", "layer": "late", "against_idx": 2, "against_name": "cat"}
        yield {"method": "smooth_grad", "layer": "input", "nsamples": 5}


def _map(out, name, image, write, rng, **made):
    shape = SHAPES[made["layer"]]
    finished = FinishedMap(rng.random(shape, np.float32), image)
    suffix = "-".join(str(value) for value in made.values() if not isinstance(value, dict))
    files = {
        kind: f"{kind}/{name}.{suffix}{extension}"
        for kind, extension in (("arrays", ".npy"), ("overlays", ".png"))
        if kind in write
    }
    return MapRow(
        files=files,
        sha256={kind: _save(out, path, encode(kind, finished)) for kind, path in files.items()},
        class_idx=1,
        class_name="dog",
        score=float(rng.normal(9, 3)),
        probability=0.5,
        ess=3.5,
        shape=shape,
        **made,
    )


def _save(out, relative, data):
    path = Path(out, relative)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(data)
    return hashlib.sha256(data).hexdigest()
