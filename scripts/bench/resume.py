"""How long a resume over a million images takes to decide what to do, and in what memory.

The listing is simulated (names, no files); the manifest is real, a row an image, as a run writes
it. Source files and outputs are looked up for real: a directory of a few stands for all of them.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from sgcampp.images.items import Found
from sgcampp.run.backlog import Drive, tasks_left
from sgcampp.run.summary import Summary
from sgcampp.storage.local import LocalStore
from sgcampp.storage.location import locate
from sgcampp.tree.index import ManifestIndex
from sgcampp.tree.present import present
from sgcampp.tree.rows import OK, MapRow, Row, to_line

LIMIT_SECONDS, LIMIT_MEGABYTES = 30.0, 500.0


def row(key: str, source: Path) -> Row:
    """A row as a run writes it."""
    status = source.stat()
    record = MapRow(
        files={kind: f"{kind}/stand-in" for kind in ("arrays", "heatmaps", "overlays")},
        sha256=dict.fromkeys(("arrays", "heatmaps", "overlays"), "0" * 64),
        class_idx=281,
        class_name="tabby",
        score=12.3456789,
        probability=0.987654321,
        method="smooth_grad_cam_pp",
        layer="block15_expand_act",
        shape=[7, 7],
        affine_head=False,
        nsamples=5,
        log_scale=13.5791357,
        ess=4.56789,
        guarded=3,
    )
    return Row(
        key,
        OK,
        sha256="0" * 64,
        bytes=status.st_size,
        mtime_ns=status.st_mtime_ns,
        view=[16.0, 16.0, 224.0, 224.0],
        seconds=0.123456,
        maps=[record],
        finished=1.7e9,
    )


def main() -> int:
    """Prints seconds and megabytes."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=1_000_000)
    parser.add_argument("--left", type=int, default=1000, help="images that have no row")
    options = parser.parse_args()
    keys = [f"{n // 1000:06d}/image-{n:09d}.jpg" for n in range(options.images)]
    with tempfile.TemporaryDirectory() as directory:
        out, source = Path(directory), Path(directory, "source.jpg")
        source.write_bytes(b"stand-in")
        for kind in ("manifest", "arrays", "heatmaps", "overlays"):
            (out / kind).mkdir()
            (out / kind / "stand-in").touch()
        with (out / "manifest" / "part-00000.jsonl").open("wb") as file:
            for key in keys[: len(keys) - options.left]:
                file.write(to_line(row(key, source)))
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3

        begin = time.perf_counter()
        summary, store = Summary(), LocalStore(out)
        with ManifestIndex(store, present(store, ())) as known:
            listing = (Found(key, locate(source)) for key in keys)
            left = sum(1 for _ in tasks_left(listing, known, Drive(), summary, lambda: None))
        seconds = time.perf_counter() - begin
        megabytes = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e3
    print(
        f"{options.images} images, {summary.skipped} done, {left} to do: {seconds:.1f} s, "
        f"{megabytes:.0f} MB resident at most, {megabytes - before:.0f} MB of it for deciding"
    )
    return 0 if seconds < LIMIT_SECONDS and megabytes < LIMIT_MEGABYTES else 1


if __name__ == "__main__":
    sys.exit(main())
