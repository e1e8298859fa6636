"""What is said of each key of a run config, and which keys go together."""

from dataclasses import Field, field, replace
from typing import Any

from sgcampp.config.value_types import NUMBER, PAIRS, TEXT, WHOLE, ValueType, one_of, some_of
from sgcampp.errors import UserError, nearest
from sgcampp.explain.choices import VALUES
from sgcampp.explain.methods import METHODS
from sgcampp.explain.perturbation import WORDS

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

ALL = "all"
"""In the place of methods: every one that the model can serve."""
METHOD_NAMES = replace(
    some_of(METHODS),
    words=f"{ALL}, or one or several of ",
    check=lambda value: value == [ALL] or some_of(METHODS).check(value),
)

ACROSS = {
    "nsamples": WHOLE,
    "std_dev": NUMBER,
    "seed": WHOLE,
    "baseline": TEXT,
    **{name: one_of(values) for name, values in VALUES.items()},
    "subset": PAIRS,
    **dict.fromkeys(("perturbations", "window", "stride", "superpixels", "fit_images"), WHOLE),
    **{name: one_of(words) for name, words in WORDS.items()},
}
"""Keys that may have several values in one run, beside those that are lists."""


def key(default: Any, type_: ValueType, about: str, *, shapes_output: bool = True) -> Any:
    """One key. `shapes_output`: whether another value would give other files."""
    metadata = {"type": type_, "about": about, "shapes_output": shapes_output}
    if isinstance(default, (list, dict)):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


def about(key: Field) -> str:
    """What a key is, for help and YAML: its description, and its values where they are few."""
    values = key.metadata["type"].values
    text = key.metadata["about"]
    return f"{text}: {', '.join(values)}" if values else text


def check_type(key: Field, value: Any) -> None:
    """Raises UserError for a value of another type than the key's."""
    type_: ValueType = key.metadata["type"]
    if (value is None and key.default is None) or type_.check(value):
        return
    shown = value[0] if type_.bare and isinstance(value, list) and len(value) == 1 else value
    items = value if isinstance(value, list) else [value]
    wrong = (x for x in items if isinstance(x, str) and x not in type_.values)
    hint = nearest(next(wrong, ""), type_.values)
    raise UserError(f"{key.name} is {shown!r:.200}, accepted: {type_.accepted}{hint}")
