"""Makes archives and a list of a directory of images, as datasets have them, to try sources with.

Usage: python -m scripts.archives DIRECTORY OUT
"""

import argparse
import csv
import os
import tarfile
from pathlib import Path

from sgcampp.images.find import find_images
from sgcampp.storage.location import Location

SHARDS = 2


def main() -> None:
    """Writes OUT/photos-000.tar and so on, OUT/photos.parquet and OUT/photos.csv."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("directory")
    parser.add_argument("out", type=Path)
    options = parser.parse_args()
    options.out.mkdir(parents=True, exist_ok=True)
    listing = find_images([options.directory])
    paths = {one.key: Path(one.place.name) for one in listing if isinstance(one.place, Location)}
    for number in range(SHARDS):
        with tarfile.open(options.out / f"photos-{number:03d}.tar", "w") as archive:
            for key in list(paths)[number::SHARDS]:
                archive.add(paths[key], key)
    write_parquet(options.out / "photos.parquet", paths)
    with (options.out / "photos.csv").open("w", newline="") as file:
        writer = csv.writer(file)
        writer.writerow(["image", "class"])
        writer.writerows([os.path.relpath(path, options.out), 281] for path in paths.values())


def write_parquet(out: Path, paths: dict[str, Path]) -> None:
    """One row an image, as Hugging Face's datasets have it."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    rows = [{"bytes": path.read_bytes(), "path": key} for key, path in paths.items()]
    pq.write_table(pa.table({"image": pa.array(rows, struct)}), out, row_group_size=100)


if __name__ == "__main__":
    main()
