"""All metrics and reference maps: importing this module registers them."""

from sgcampp.evaluate import (
    complexity,
    curves,
    faithfulness,
    localisation,
    pooled,
    robustness,
    subsets,
)
from sgcampp.evaluate.metric import METRICS
from sgcampp.evaluate.references import REFERENCES

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
