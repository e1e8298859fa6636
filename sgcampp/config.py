"""The run config: one dataclass whose fields are YAML keys and flags at once."""

import json
import math
import re
from collections.abc import Callable, Mapping
from dataclasses import Field, dataclass, field, fields
from pathlib import Path
from typing import Any

from sgcampp.errors import UserError, nearest
from sgcampp.explain.choices import VALUES, Choices
from sgcampp.explain.grid import check_batch_size
from sgcampp.explain.methods import METHODS, find_method
from sgcampp.explain.noise import check_noise
from sgcampp.explain.precision import PRECISIONS
from sgcampp.explain.selection import Selection
from sgcampp.files.rendering import COLORMAPS
from sgcampp.files.writers import WRITERS
from sgcampp.strict_yaml import read_mapping

RECORDED = "recorded"
"""The one key of a run.yaml that is no setting: what the run found out."""

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


_PERCENT = re.compile(r"(\d+(\.\d+)?)%")


@dataclass(frozen=True)
class Kind:
    """What values a key takes.

    Attributes:
        accepted: in words, for errors and help.
        from_text: a flag's text to the value that YAML would have given.
        check: whether a YAML value is of this kind.
        values: all of them, where they are few.
        many: whether it is a list, whose flag may stand several times.
    """

    accepted: str
    from_text: Callable[[str], Any]
    check: Callable[[Any], bool]
    values: tuple[str, ...] = ()
    many: bool = False


def _is_text(value: Any) -> bool:
    return isinstance(value, str) and bool(value)


def _is_whole(value: Any) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def _is_number(value: Any) -> bool:
    number = isinstance(value, (int, float)) and not isinstance(value, bool)
    return number and math.isfinite(value)


def _list_of(check: Callable[[Any], bool]) -> Callable[[Any], bool]:
    return lambda value: isinstance(value, list) and all(check(item) for item in value)


def _split(convert: Callable[[str], Any]) -> Callable[[str], list[Any]]:
    return lambda text: [convert(item.strip()) for item in text.split(",") if item.strip()]


def _auto_or_whole(text: str) -> int | str:
    return text if text == "auto" else int(text)


def _whole_or_text(text: str) -> int | str:
    return int(text) if text.isdecimal() else text


TEXT = Kind("text", str, _is_text)
FLAG = Kind("true or false", str, lambda value: isinstance(value, bool))
WHOLE = Kind("a whole number", int, _is_whole)
NUMBER = Kind("a finite number", float, _is_number)
BATCH = Kind(
    "auto or a whole number", _auto_or_whole, lambda v: v == "auto" or (_is_whole(v) and v >= 1)
)
FAILURES = Kind(
    "a count like 100, or a share of the images like 5%",
    lambda text: text if text.endswith("%") else int(text),
    lambda v: (
        (_is_whole(v) and v >= 0) or (isinstance(v, str) and _PERCENT.fullmatch(v) is not None)
    ),
)
TARGET = Kind(
    "argmax, top3, or a class: its index, wnid or label",
    _whole_or_text,
    lambda v: _is_text(v) or (_is_whole(v) and v >= 0),
)
TEXTS = Kind(
    "texts, [one, two] in YAML and one,two as a flag", _split(str), _list_of(_is_text), many=True
)
WHOLES = Kind(
    "whole numbers, [10, 32, 3] in YAML and 10,32,3 as a flag",
    _split(int),
    _list_of(_is_whole),
    many=True,
)
NUMBERS = Kind(
    "numbers, [0.5, 1] in YAML and 0.5,1 as a flag", _split(float), _list_of(_is_number), many=True
)
PAIRS = Kind(
    "[row, column] pairs, [[0, 10], [12, 12]] in YAML and '0,10 12,12' as a flag",
    lambda text: [_split(int)(pair) for pair in text.split()],
    _list_of(lambda v: _list_of(_is_whole)(v) and len(v) == 2),
    many=True,
)


def one_of(*values: str) -> Kind:
    """The kind of a key that takes one of a few words."""
    return Kind(" or ".join(values), str, lambda value: value in values, values)


def some_of(*values: str) -> Kind:
    """The kind of a key that takes a list of a few words."""
    return Kind(
        "a list of " + ", ".join(values), _split(str), _list_of(lambda v: v in values), values, True
    )


def _key(default: Any, kind: Kind, about: str, *, shapes_output: bool = True) -> Any:
    """One key. `shapes_output`: whether another value would give other files."""
    about = about if not kind.values else f"{about}: {', '.join(kind.values)}"
    metadata = {"kind": kind, "about": about, "shapes_output": shapes_output}
    if isinstance(default, list):
        return field(default_factory=default.copy, metadata=metadata)
    return field(default=default, metadata=metadata)


@dataclass
class RunConfig:
    """A run, resolved: every key has a value. Field metadata holds kind and description.

    Raises:
        UserError: for a value out of range, naming the key and what is accepted.
    """

    model: str = _key(
        "efficientnet-lite0", TEXT, "a name of `sgcampp models`, or a .keras or .h5 file"
    )
    weights: str = _key("imagenet", TEXT, "of a named model: imagenet, none, or a weights file")
    trusted: bool = _key(
        False, FLAG, "load a model file that carries code (Lambda layers); only your own"
    )
    output_name: str | None = _key(None, TEXT, "which output of a model with several")
    labels: str | None = _key(None, TEXT, "text file of class names, one a line, in class order")
    preprocess: str | None = _key(
        None, TEXT, "prepare images as this keras.applications model does"
    )
    resize: str | None = _key(None, one_of("stretch", "crop"), "how an image gets the model's size")
    channel_order: str | None = _key(None, one_of("rgb", "bgr", "grey"), "of the model's input")
    scale: float | None = _key(
        None, NUMBER, "input = (pixel * scale - mean) / std, pixels 0 to 255"
    )
    mean: list[float] | None = _key(None, NUMBERS, "one number, or one a channel")
    std: list[float] | None = _key(None, NUMBERS, "one number, or one a channel")
    input_size: list[int] | None = _key(None, WHOLES, "[height, width], for a model of any size")

    method: str = _key("smooth_grad_cam_pp", one_of(*METHODS), "what is computed")
    layer_name: str | None = _key(None, TEXT, "a name of `sgcampp layers MODEL`; none: its default")
    target: str | int = _key(
        "argmax", TARGET, "the class to explain: argmax, top3, an index, a wnid, a label"
    )
    nsamples: int = _key(0, WHOLE, "n, noised samples an image; 0: the clean image alone")
    std_dev: float = _key(
        0.15, NUMBER, "noise strength, a share of the image's range (see noise_scale)"
    )
    seed: int = _key(0, WHOLE, "of the noise")
    filters: list[int] | None = _key(None, WHOLES, "feature maps to look at; none: all")
    subset: list[list[int]] | None = _key(
        None, PAIRS, "neurons [row, column] to look at; none: all"
    )
    region: bool = _key(False, FLAG, "subset gives two corners of a box, not single neurons")
    score: str = _key("exp_logit", one_of(*VALUES["score"]), "what is differentiated")
    alpha_numerator: str = _key(
        "second", one_of(*VALUES["alpha_numerator"]), "derivative on top of Eq. 7"
    )
    activations: str = _key("clean", one_of(*VALUES["activations"]), "the A of Eq. 7 and 2")
    average: str = _key(
        "derivatives", one_of(*VALUES["average"]), "what is averaged over the samples"
    )
    alpha_guard: str = _key(
        "nonnegative", one_of(*VALUES["alpha_guard"]), "where Eq. 7 divides by nearly 0"
    )
    noise_scale: str = _key("range", one_of(*VALUES["noise_scale"]), "what std_dev is a share of")
    precision: str = _key("float32", one_of(*PRECISIONS), "of the network; derivatives are float32")
    jit: bool = _key(False, FLAG, "compile with XLA; slower on CPUs")
    batch_size: int | str = _key("auto", BATCH, "B, samples in a device batch", shapes_output=False)

    sources: list[str] = _key([], TEXTS, "images and directories", shapes_output=False)
    glob: list[str] = _key(
        [], TEXTS, "only files that match one of these patterns", shapes_output=False
    )
    recursive: bool = _key(True, FLAG, "walk directories below directories", shapes_output=False)
    max_pixels: int = _key(
        100_000_000, WHOLE, "refuse larger images before decoding them", shapes_output=False
    )
    max_failures: str | int | None = _key(
        None, FAILURES, "stop when so many images of this run have failed", shapes_output=False
    )
    out: str | None = _key(None, TEXT, "the output tree", shapes_output=False)
    write: list[str] = _key(
        ["arrays", "heatmaps", "overlays"], some_of(*WRITERS), "what is written of each map"
    )
    colormap: str = _key("viridis", one_of(*COLORMAPS), "of heatmaps and overlays")
    overlay_alpha: float = _key(0.6, NUMBER, "opacity of the hottest place of an overlay, 0 to 1")
    png_compression: int = _key(1, WHOLE, "0 (fast, large) to 9 (slow, small)")

    def __post_init__(self) -> None:
        self.check()

    def check(self) -> None:
        """Raises UserError for a value out of range."""
        for key in fields(self):
            _check_kind(key, getattr(self, key.name))
        check_noise(self.nsamples, self.std_dev, self.seed)
        check_batch_size(self.batch_size)
        find_method(self.method)
        self.choices()
        self.selection()
        if not 0 <= self.overlay_alpha <= 1:
            raise UserError(f"overlay_alpha is {self.overlay_alpha}, accepted: 0 to 1")
        if self.max_pixels < 1:
            raise UserError(f"max_pixels is {self.max_pixels}, accepted: 1 or more")
        if not 0 <= self.png_compression <= 9:
            raise UserError(f"png_compression is {self.png_compression}, accepted: 0 to 9")

    def choices(self) -> Choices:
        """The choices that the paper leaves open."""
        return Choices(**{name: getattr(self, name) for name in VALUES})

    def selection(self) -> Selection:
        """The chosen feature maps and neurons."""
        return Selection(self.filters, self.region, self.subset)

    def model_settings(self) -> dict[str, Any]:
        """What `load_model` takes beside the model's name."""
        return {name: getattr(self, name) for name in MODEL_KEYS}


def output_keys(values: Mapping[str, Any]) -> dict[str, Any]:
    """The keys of a config that shape the output files."""
    return {
        key.name: values[key.name] for key in fields(RunConfig) if key.metadata["shapes_output"]
    }


def load_config(path: Path | None, flags: Mapping[str, Any]) -> RunConfig:
    """Resolves a run config: a flag beats the YAML file, which beats the default.

    Args:
        path: a YAML file, or None.
        flags: values by key, as YAML would give them.

    Raises:
        UserError: for an unreadable file, an unknown key (with the nearest one) or a bad value.
    """
    given = read_mapping(path) if path else {}
    given.pop(RECORDED, None)
    known = {key.name for key in fields(RunConfig)}
    for name in given:
        if name not in known:
            raise UserError(f"{path}: unknown key {name!r:.200}{nearest(str(name), known)}")
    try:
        return RunConfig(**{**given, **flags})
    except UserError as error:
        at_fault = set(given) - set(flags)
        if path and any(str(error).startswith(f"{name} ") for name in at_fault):
            raise UserError(f"{path}: {error}") from error
        raise


def as_yaml(values: Mapping[str, Any]) -> str:
    """A config as YAML text, each key with its description; `load_config` reads it back."""
    lines = []
    for key in fields(RunConfig):
        value = yaml_value(values[key.name])
        lines += [f"# {key.metadata['about']}", f"{key.name}: {value}"]
    return "\n".join(lines) + "\n"


def yaml_value(value: Any, indent: int | None = None) -> str:
    """A value as JSON that is YAML too; what can't be printed, as in a file's name, is escaped."""
    text = json.dumps(value, indent=indent, ensure_ascii=False)
    return "".join(c if c.isprintable() or c == "\n" else _escaped(c) for c in text)


def _escaped(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def _check_kind(key: Field, value: Any) -> None:
    kind: Kind = key.metadata["kind"]
    if (value is None and key.default is None) or kind.check(value):
        return
    hint = nearest(value, kind.values) if isinstance(value, str) else ""
    raise UserError(f"{key.name} is {value!r:.200}, accepted: {kind.accepted}{hint}")
