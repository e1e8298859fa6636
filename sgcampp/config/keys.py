"""What is said of each key of a run config, and which keys go together."""

from dataclasses import field
from typing import Any

from sgcampp.config.value_types import NUMBER, PAIRS, TEXT, WHOLE, ValueType, one_of
from sgcampp.explain.choices import VALUES

MODEL_KEYS = (
    "weights",
    "trusted",
    "output_name",
    "labels",
    "preprocess",
    "resize",
    "channel_order",
    "scale",
    "mean",
    "std",
    "input_size",
)
"""The keys that `load_model` takes beside the model's name."""

ACROSS = {
    "nsamples": WHOLE,
    "std_dev": NUMBER,
    "seed": WHOLE,
    "baseline": TEXT,
    **{name: one_of(values) for name, values in VALUES.items()},
    "subset": PAIRS,
}
"""Keys that may have several values in one run, beside those that are lists."""


def key(default: Any, type_: ValueType, about: str, *, shapes_output: bool = True) -> Any:
    """One key. `shapes_output`: whether another value would give other files."""
    metadata = {"type": type_, "about": about, "shapes_output": shapes_output}
    if isinstance(default, (list, dict)):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)
