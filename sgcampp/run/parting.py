"""How well the scores of a scan part unusual images from ordinary ones, where that is known."""

import csv
import io
from dataclasses import dataclass

import numpy as np
from scipy.stats import rankdata

from sgcampp.errors import UserError
from sgcampp.storage.location import Named, read_named
from sgcampp.tree.open_tree import open_tree

WORDS = {"1": True, "true": True, "yes": True, "0": False, "false": False, "no": False}


@dataclass(frozen=True)
class Parting:
    """How well scores part images.

    Attributes:
        auroc: the chance that an unusual image scores higher than an ordinary one, ties half.
        anomalous: unusual images with a score.
        ordinary: others.
    """

    auroc: float
    anomalous: int
    ordinary: int

    def __str__(self) -> str:
        return (
            f"AUROC {self.auroc:.3f}, of {self.anomalous} anomalous and {self.ordinary} "
            "ordinary images"
        )


def parting(out: Named, truth: Named) -> Parting:
    """The AUROC of an output tree's scores against a CSV of image,anomalous.

    Raises:
        UserError: for a file that is no such table, or one that names no scanned image of a kind.
    """
    known = _truth(truth)
    pairs = [
        (row.maps[0].scanned["score"], known[row.key])
        for row in open_tree(out).rows()
        if row.key in known and row.maps and row.maps[0].scanned
    ]
    scores = np.array([score for score, _ in pairs])
    anomalous = np.array([is_anomalous for _, is_anomalous in pairs], bool)
    if not anomalous.any() or anomalous.all():
        raise UserError(
            f"{truth} names {anomalous.sum()} anomalous and {(~anomalous).sum()} ordinary images "
            "among those scanned, accepted: one or more of each"
        )
    return Parting(auroc(scores, anomalous), int(anomalous.sum()), int((~anomalous).sum()))


def auroc(scores: np.ndarray, positive: np.ndarray) -> float:
    """Area under the receiver's operating curve, from ranks (Mann and Whitney 1947)."""
    count, others = positive.sum(), (~positive).sum()
    ranks = rankdata(scores)[positive].sum()
    return float((ranks - count * (count + 1) / 2) / (count * others))


def _truth(path: Named) -> dict[str, bool]:
    try:
        text = read_named(path).decode("utf-8-sig")
        table = csv.DictReader(io.StringIO(text, newline=""), strict=True)
        rows = [(row["image"], WORDS[row["anomalous"].strip().lower()]) for row in table]
    except (UnicodeDecodeError, csv.Error, KeyError, AttributeError) as error:
        raise UserError(
            f"{path}: accepted is a CSV with the columns image and anomalous, which is 1 or 0"
        ) from error
    return dict(rows)
