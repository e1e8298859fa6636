"""Archives and lists of images, made in tests."""

import io
import tarfile

import pyarrow as pa
import pyarrow.parquet as pq


def member(name, data=b"", **facts):
    """(header, bytes) of a tar member; `facts` are TarInfo's."""
    info = tarfile.TarInfo(name)
    info.size = len(data)
    for fact, value in facts.items():
        setattr(info, fact, value)
    return info, data


def tar(path, *members):
    """Writes a tar file of (name, bytes), or of what `member` makes."""
    with tarfile.open(path, "w") as archive:
        for one in members:
            info, data = one if isinstance(one[0], tarfile.TarInfo) else member(*one)
            archive.addfile(info, io.BytesIO(data))
    return path


def parquet(path, images, labels=None, classes=None, rows=3):
    """Writes a Parquet file as Hugging Face has it: `images` are {"bytes", "path"} or None."""
    struct = pa.struct([("bytes", pa.binary()), ("path", pa.string())])
    columns = {"image": pa.array(images, struct)}
    if labels is not None:
        columns["label"] = pa.array(labels)
    table = pa.table(columns)
    if classes:
        names = ",".join(f'"{name}"' for name in classes)
        features = f'{{"info": {{"features": {{"label": {{"names": [{names}]}}}}}}}}'
        table = table.replace_schema_metadata({"huggingface": features})
    pq.write_table(table, path, row_group_size=rows)
    return path
