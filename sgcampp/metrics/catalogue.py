"""All metrics and reference maps: importing this module registers them."""

from sgcampp.metrics import (
    complexity,
    curves,
    faithfulness,
    localisation,
    pooled,
    robustness,
    subsets,
)
from sgcampp.metrics.metric import METRICS
from sgcampp.metrics.references import REFERENCES

__all__ = ["METRICS", "REFERENCES"]

DEFINE_METRICS = (
    faithfulness,
    curves,
    subsets,
    localisation,
    pooled,
    complexity,
    robustness,
)
