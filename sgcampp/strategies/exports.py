"""Findings for programs: OUT/strategies.jsonl, a line a class, method and layer."""

import json
from collections.abc import Iterable
from typing import Any

from sgcampp.strategies.findings import Finding, Strategy, sentence


def to_lines(findings: Iterable[Finding]) -> bytes:
    """Each finding as one line of ASCII JSON."""
    lines = (json.dumps(record_of(finding), allow_nan=False) + "\n" for finding in findings)
    return "".join(lines).encode("ascii")


def record_of(finding: Finding) -> dict[str, Any]:
    """A finding in JSON's own types."""
    group, clusters = finding.group, finding.clusters
    return {
        "class_idx": group.class_idx,
        "class_name": group.class_name,
        "method": group.method,
        "layer": group.layer,
        "across": json.loads(group.settings),
        "filters": list(group.filters) or None,
        "images": finding.images,
        "flat": finding.flat,
        "pieces": clusters.pieces,
        "eigenvalues": clusters.eigenvalues.tolist(),
        "p": clusters.p,
        "silhouette": clusters.silhouette,
        "strategies": [_strategy(one) for one in finding.strategies],
        "outliers": [member.key for member in finding.outliers],
    }


def _strategy(one: Strategy) -> dict[str, Any]:
    return {
        "says": sentence(one),
        "share": one.share,
        "images": len(one.members),
        "probability": one.probability,
        "corner": one.corner[0],
        "corner_share": one.corner[1],
        "corner_share_of_others": one.corner_of_others,
        "border_share": one.border,
        "area_of_half_the_heat": one.half_area,
        "place": one.place,
        "mean_map": one.mean.tolist(),
        "nearest": [member.key for member in one.nearest],
        "members": one.members,
    }
