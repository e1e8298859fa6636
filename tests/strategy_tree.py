"""An output tree made by hand from maps, to look for strategies in."""

import io

import numpy as np

from sgcampp.config.run_config import RunConfig
from sgcampp.run.run_file import run_yaml
from sgcampp.storage.local import LocalStore
from sgcampp.tree.manifest import manifest_writer
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.rows import FAILED, OK, MapRow, Row
from sgcampp.tree.run_record import RunRecord, versions

PIXEL = bytes.fromhex(
    "89504e470d0a1a0a0000000d49484452000000010000000108000000003a7e9b550000000a49444154789c6360000000"
    "020001e221bc330000000049454e44ae426082"
)
"""A PNG file of one pixel."""


def write_tree(out, heat, class_idx=1, class_name="dog", write=("arrays", "overlays"), **made):
    """Writes an output tree of one map an image, `000.png` and so on, and one failed image.

    Args:
        out: the directory, which is made.
        heat: a map [h, w] an image.
        class_idx: of all maps, or one a map.
        class_name: likewise.
        write: as of the run config.
        **made: other fields of every `MapRow`.
    """
    out.mkdir(parents=True)
    record = RunRecord("0" * 64, ["late"], 6, 1, False, len(heat), None, versions(), str(out))
    config = RunConfig(sources=[str(out)], write=list(write))
    (out / RUN_YAML).write_bytes(run_yaml(config, record))
    indices, names = (np.broadcast_to(one, len(heat)) for one in (class_idx, class_name))
    rows = [
        _row(out, n, one, int(indices[n]), str(names[n]), write, made) for n, one in enumerate(heat)
    ]
    with manifest_writer(LocalStore(out), "manifest/part-00000.jsonl") as manifest:
        manifest.append([*rows, Row("broken.png", FAILED, reason="empty", error="no bytes")])
    return out


def _row(out, number, heat, class_idx, class_name, write, made):
    key, buffer = f"{number:03d}.png", io.BytesIO()
    np.save(buffer, np.asarray(heat, np.float32))
    contents = {"arrays": (".npy", buffer.getvalue()), "overlays": (".png", PIXEL)}
    files = {}
    for kind, (suffix, data) in contents.items():
        if kind in write:
            files[kind] = f"{kind}/{key}{suffix}"
            path = out / files[kind]
            path.parent.mkdir(exist_ok=True)
            path.write_bytes(data)
    fields = {"method": "grad_cam", "layer": "late", "probability": 0.75, **made}
    map_row = MapRow(files=files, class_idx=class_idx, class_name=class_name, **fields)
    return Row(key, OK, finished=1.7e9, maps=[map_row])
