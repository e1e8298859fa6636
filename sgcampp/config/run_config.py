"""The run config: one dataclass whose fields are YAML keys and flags at once."""

import itertools
from dataclasses import Field, asdict, dataclass, fields
from functools import cached_property
from typing import Any

from sgcampp.config.keys import ACROSS, MODEL_KEYS
from sgcampp.config.keys import key as _key
from sgcampp.config.value_types import (
    BATCH,
    FAILURES,
    FLAG,
    NAMES,
    NUMBER,
    NUMBERS,
    PAIRS,
    TARGETS,
    TEXT,
    TEXTS,
    WHOLE,
    WHOLES,
    ValueType,
    one_of,
    some_of,
    values_of,
)
from sgcampp.engine.settings import PRECISIONS, check_batch_size
from sgcampp.errors import UserError, check_whole, nearest
from sgcampp.explain.against import IG_STEPS, ZEROS, Against
from sgcampp.explain.choices import VALUES, Choices
from sgcampp.explain.looks import Look, looks_of
from sgcampp.explain.methods import METHODS
from sgcampp.explain.selection import Selection
from sgcampp.pictures.panel import SCALES
from sgcampp.pictures.rendering import COLORMAPS
from sgcampp.pictures.writers import WRITERS

LAYOUTS = ("files", "tar")


@dataclass(frozen=True)
class Asked:
    """What a config asks to look at. `across`: the values of its keys that hold for this look."""

    look: Look
    across: dict[str, Any]


@dataclass(frozen=True)
class RunConfig:
    """A run, resolved: every key has a value. Field metadata holds value type and description.

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
    resize: str | None = _key(
        None, one_of(("stretch", "crop")), "how an image gets the model's size"
    )
    channel_order: str | None = _key(None, one_of(("rgb", "bgr", "grey")), "of the model's input")
    scale: float | None = _key(
        None, NUMBER, "input = (pixel * scale - mean) / std, pixels 0 to 255"
    )
    mean: list[float] | None = _key(None, NUMBERS, "one number, or one a channel")
    std: list[float] | None = _key(None, NUMBERS, "one number, or one a channel")
    input_size: list[int] | None = _key(None, WHOLES, "[height, width], for a model of any size")

    method: list[str] = _key(
        ["smooth_grad_cam_pp"], some_of(METHODS), "what is computed, one or several"
    )
    layer_name: list[str] | None = _key(
        None,
        NAMES,
        "one or several of `sgcampp layers MODEL`, or smoothing: the last where noise acts; none: "
        "its default",
    )
    target: list[str | int] = _key(
        ["argmax"],
        TARGETS,
        "classes to explain: argmax, top3, an index, a wnid, a label, A-vs-B, several of these; "
        "p>0.2: all above that probability; or a .csv file of image,class",
    )
    across: dict[str, list[Any]] = _key(
        {}, values_of(ACROSS), "several values of other keys at once, as nsamples=0,5,50"
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
    ig_steps: int = _key(IG_STEPS, WHOLE, "steps of integrated_gradients")
    ig_tolerance: float | None = _key(
        None,
        NUMBER,
        "double its steps until it misses at most this share of the score's rise, as 0.01",
    )
    baseline: str = _key(
        ZEROS,
        TEXT,
        "what integrated_gradients and deep_lift hold an image against: zeros (of the model's "
        "input), black, mean, blur or an image file",
    )
    region: bool = _key(False, FLAG, "subset gives two corners of a box, not single neurons")
    score: str = _key("exp_logit", one_of(VALUES["score"]), "what is differentiated")
    alpha_numerator: str = _key(
        "second", one_of(VALUES["alpha_numerator"]), "derivative on top of Eq. 7"
    )
    activations: str = _key("clean", one_of(VALUES["activations"]), "the A of Eq. 7 and 2")
    average: str = _key(
        "derivatives", one_of(VALUES["average"]), "what is averaged over the samples"
    )
    alpha_guard: str = _key(
        "nonnegative", one_of(VALUES["alpha_guard"]), "where Eq. 7 divides by nearly 0"
    )
    derivatives: str = _key(
        "closed", one_of(VALUES["derivatives"]), "2nd and 3rd of Y: as for ReLUs, or the true ones"
    )
    noise_scale: str = _key("range", one_of(VALUES["noise_scale"]), "what std_dev is a share of")
    precision: str = _key("float32", one_of(PRECISIONS), "of the network; derivatives are float32")
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
        ["arrays", "heatmaps", "overlays"],
        some_of(WRITERS),
        "what is written of each map, and panels of all maps of an image",
    )
    layout: str = _key(
        "files", one_of(LAYOUTS), "of the output tree: each file by itself, or many images a tar"
    )
    shard_size: int = _key(1000, WHOLE, "images in a tar, at most", shapes_output=False)
    panel_scale: str = _key(
        "own", one_of(SCALES), "colours of a panel's maps: each to its own maximum, or one for all"
    )
    colormap: str = _key("viridis", one_of(COLORMAPS), "of heatmaps and overlays")
    overlay_alpha: float = _key(0.6, NUMBER, "opacity of the hottest place of an overlay, 0 to 1")
    png_compression: int = _key(1, WHOLE, "0 (fast, large) to 9 (slow, small)")

    def __post_init__(self) -> None:
        for key in fields(self):
            value = getattr(self, key.name)
            if key.metadata["type"].bare and isinstance(value, (str, int)):
                object.__setattr__(self, key.name, [value])
        self.check()

    def check(self) -> None:
        """Raises UserError for a value out of range."""
        for key in fields(self):
            _check_type(key, getattr(self, key.name))
        check_batch_size(self.batch_size)
        _ = self.looks
        if not 0 <= self.overlay_alpha <= 1:
            raise UserError(f"overlay_alpha is {self.overlay_alpha}, accepted: 0 to 1")
        if self.max_pixels < 1:
            raise UserError(f"max_pixels is {self.max_pixels}, accepted: 1 or more")
        check_whole("shard_size", self.shard_size, 1, 10**6 + 1, "from 1 to 10^6")
        if not 0 <= self.png_compression <= 9:
            raise UserError(f"png_compression is {self.png_compression}, accepted: 0 to 9")

    @cached_property
    def looks(self) -> list[Asked]:
        """What is looked at: each method at each layer, for each of the values in `across`."""
        asked = []
        for values in itertools.product(*self.across.values()):
            across = dict(zip(self.across, values, strict=True))
            settings = {**asdict(self), **across}
            looks = looks_of(
                settings["layer_name"] or [None],
                settings["method"],
                Choices(**{name: settings[name] for name in VALUES}),
                Selection(settings["filters"], settings["region"], settings["subset"]),
                settings["nsamples"],
                settings["std_dev"],
                settings["seed"],
                Against(*(settings[name] for name in ("baseline", "ig_steps", "ig_tolerance"))),
            )
            asked += [Asked(look, across) for look in looks]
        return asked

    def model_settings(self) -> dict[str, Any]:
        """What `load_model` takes beside the model's name."""
        return {name: getattr(self, name) for name in MODEL_KEYS}


def about(key: Field) -> str:
    """What a key is, for help and YAML: its description, and its values where they are few."""
    values = key.metadata["type"].values
    text = key.metadata["about"]
    return f"{text}: {', '.join(values)}" if values else text


def _check_type(key: Field, value: Any) -> None:
    type_: ValueType = key.metadata["type"]
    if (value is None and key.default is None) or type_.check(value):
        return
    shown = value[0] if type_.bare and isinstance(value, list) and len(value) == 1 else value
    items = value if isinstance(value, list) else [value]
    wrong = (x for x in items if isinstance(x, str) and x not in type_.values)
    hint = nearest(next(wrong, ""), type_.values)
    raise UserError(f"{key.name} is {shown!r:.200}, accepted: {type_.accepted}{hint}")
