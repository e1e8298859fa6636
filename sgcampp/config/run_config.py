"""The run config: one dataclass whose fields are YAML keys and flags at once."""

import itertools
from dataclasses import asdict, dataclass, fields
from functools import cached_property
from typing import Any

from sgcampp.config.keys import ACROSS, ALL, METHOD_NAMES, MODEL_KEYS, check_type, key
from sgcampp.config.value_types import (
    BATCH,
    FAILURES,
    FILTERS,
    FLAG,
    NAMES,
    NUMBER,
    NUMBERS,
    PAIRS,
    SCAN,
    TARGETS,
    TEXT,
    TEXTS,
    WHOLE,
    WHOLES,
    one_of,
    some_of,
    values_of,
)
from sgcampp.engine.settings import PRECISIONS, check_batch_size
from sgcampp.errors import UserError, check_whole
from sgcampp.explain.against import IG_STEPS, ZEROS, Against
from sgcampp.explain.choices import VALUES, Choices
from sgcampp.explain.looks import Look, looks_of
from sgcampp.explain.methods import METHODS, Needs
from sgcampp.explain.perturbation import FIT_IMAGES, PERTURBING, SUPERPIXELS, WORDS, Perturbing
from sgcampp.explain.scanning import ScanSettings, settings_from
from sgcampp.explain.selection import Selection
from sgcampp.explain.tolerance import check_tolerance
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

    model: str = key(
        "efficientnet-lite0", TEXT, "a name of `sgcampp models`, or a .keras or .h5 file"
    )
    weights: str = key("imagenet", TEXT, "of a named model: imagenet, none, or a weights file")
    trusted: bool = key(
        False, FLAG, "load a model file that carries code (Lambda layers); only your own"
    )
    output_name: str | None = key(None, TEXT, "which output of a model with several")
    labels: str | None = key(None, TEXT, "text file of class names, one a line, in class order")
    preprocess: str | None = key(None, TEXT, "prepare images as this keras.applications model does")
    resize: str | None = key(
        None, one_of(("stretch", "crop")), "how an image gets the model's size"
    )
    channel_order: str | None = key(None, one_of(("rgb", "bgr", "grey")), "of the model's input")
    scale: float | None = key(None, NUMBER, "input = (pixel * scale - mean) / std, pixels 0 to 255")
    mean: list[float] | None = key(None, NUMBERS, "one number, or one a channel")
    std: list[float] | None = key(None, NUMBERS, "one number, or one a channel")
    input_size: list[int] | None = key(None, WHOLES, "[height, width], for a model of any size")

    method: list[str] = key(
        ["smooth_grad_cam_pp"], METHOD_NAMES, "what is computed, one or several, or all"
    )
    layer_name: list[str] | None = key(
        None,
        NAMES,
        "one or several of `sgcampp layers MODEL`, or smoothing: the last where noise acts; none: "
        "its default",
    )
    tokens: list[int] | None = key(None, WHOLES, "[h, w] of a layer's tokens; none: told")
    target: list[str | int] = key(
        ["argmax"],
        TARGETS,
        "classes to explain: argmax, top3, an index, a wnid, a label, A-vs-B, several of these; "
        "p>0.2: all above that probability; or a .csv file of image,class",
    )
    across: dict[str, list[Any]] = key(
        {}, values_of(ACROSS), "several values of other keys at once, as nsamples=0,5,50"
    )
    nsamples: int = key(0, WHOLE, "n, noised samples an image; 0: the clean image alone")
    tolerance: float | None = key(
        None,
        NUMBER,
        "samples are added until an image's maps have a relative_se of at most this, or there are "
        "nsamples of them, as 0.01; none: always nsamples",
    )
    std_dev: float = key(
        0.15, NUMBER, "noise strength, a share of the image's range (see noise_scale)"
    )
    seed: int = key(0, WHOLE, "of the noise")
    filters: list[int | str] | None = key(None, FILTERS, "feature maps, or top8; none: all")
    subset: list[list[int]] | None = key(None, PAIRS, "neurons [row, column] to look at; none: all")
    ig_steps: int = key(IG_STEPS, WHOLE, "steps of integrated_gradients")
    ig_tolerance: float | None = key(
        None,
        NUMBER,
        "double its steps until it misses at most this share of the score's rise, as 0.01",
    )
    baseline: str = key(
        ZEROS,
        TEXT,
        "what integrated_gradients and deep_lift hold an image against: zeros (of the model's "
        "input), black, mean, blur or an image file",
    )
    scan: dict[str, Any] = key(
        {}, SCAN, "what subset_scan holds images against, and how: `sgcampp scan` has flags for it"
    )
    region: bool = key(False, FLAG, "subset gives two corners of a box, not single neurons")
    score: str = key("exp_logit", one_of(VALUES["score"]), "what is differentiated")
    alpha_numerator: str = key(
        "second", one_of(VALUES["alpha_numerator"]), "derivative on top of Eq. 7"
    )
    activations: str = key("clean", one_of(VALUES["activations"]), "the A of Eq. 7 and 2")
    average: str = key(
        "derivatives", one_of(VALUES["average"]), "what is averaged over the samples"
    )
    alpha_guard: str = key(
        "nonnegative", one_of(VALUES["alpha_guard"]), "where Eq. 7 divides by nearly 0"
    )
    derivatives: str = key(
        "closed", one_of(VALUES["derivatives"]), "2nd and 3rd of Y: as for ReLUs, or the true ones"
    )
    noise_scale: str = key("range", one_of(VALUES["noise_scale"]), "what std_dev is a share of")
    sign: str = key("own", one_of(VALUES["sign"]), "what is left of maps that can be negative")
    perturbations: int | None = key(
        None, WHOLE, "perturbed images for each image; none: as many as the method's paper takes"
    )
    fill: str = key("black", one_of(WORDS["fill"]), "what hidden pixels show")
    window: int | None = key(
        None, WHOLE, "side of a hidden window in pixels of the input; none: an eighth of it"
    )
    stride: int | None = key(None, WHOLE, "pixels between windows; none: half of a window")
    superpixels: int = key(SUPERPIXELS, WHOLE, "of lime, about how many an image is cut into")
    sampler: str = key(
        "conditional", one_of(WORDS["sampler"]), "of prediction_difference, given what is around"
    )
    fit_images: int = key(
        FIT_IMAGES, WHOLE, "of prediction_difference, images whose patches it learns from"
    )
    precision: str = key("float32", one_of(PRECISIONS), "of the network; derivatives are float32")
    jit: bool = key(False, FLAG, "compile with XLA; slower on CPUs")
    batch_size: int | str = key("auto", BATCH, "B, samples in a device batch", shapes_output=False)

    sources: list[str] = key([], TEXTS, "images and directories", shapes_output=False)
    glob: list[str] = key(
        [], TEXTS, "only files that match one of these patterns", shapes_output=False
    )
    recursive: bool = key(True, FLAG, "walk directories below directories", shapes_output=False)
    max_pixels: int = key(
        100_000_000, WHOLE, "refuse larger images before decoding them", shapes_output=False
    )
    max_failures: str | int | None = key(
        None, FAILURES, "stop when so many images of this run have failed", shapes_output=False
    )
    out: str | None = key(None, TEXT, "the output tree", shapes_output=False)
    write: list[str] = key(
        ["arrays", "heatmaps", "overlays"],
        some_of(WRITERS),
        "what is written of each map, and panels of all maps of an image",
    )
    layout: str = key(
        "files", one_of(LAYOUTS), "of the output tree: each file by itself, or many images a tar"
    )
    shard_size: int = key(1000, WHOLE, "images in a tar, at most", shapes_output=False)
    panel_scale: str = key(
        "own", one_of(SCALES), "colours of a panel's maps: each to its own maximum, or one for all"
    )
    colormap: str = key("viridis", one_of(COLORMAPS), "of heatmaps and overlays")
    overlay_alpha: float = key(0.6, NUMBER, "opacity of the hottest place of an overlay, 0 to 1")
    fade_uncertain: bool = key(False, FLAG, "overlays fade where 2 standard errors exceed the map")
    png_compression: int = key(1, WHOLE, "0 (fast, large) to 9 (slow, small)")

    def __post_init__(self) -> None:
        for one in fields(self):
            value = getattr(self, one.name)
            if one.metadata["type"].bare and isinstance(value, (str, int)):
                object.__setattr__(self, one.name, [value])
        self.check()

    def check(self) -> None:
        """Raises UserError for a value out of range."""
        for one in fields(self):
            check_type(one, getattr(self, one.name))
        check_batch_size(self.batch_size)
        check_tolerance(self.tolerance, [asked.look for asked in self.looks])
        _ = self.scan_settings
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
        methods = [name for name, one in METHODS.items() if one.stands_alone]
        asked = []
        for values in itertools.product(*self.across.values()):
            across = dict(zip(self.across, values, strict=True))
            settings = {**asdict(self), **across}
            looks = looks_of(
                settings["layer_name"] or [None],
                methods if self.takes_all else self.method,
                Choices(**{name: settings[name] for name in VALUES}),
                Selection(settings["filters"], settings["region"], settings["subset"]),
                settings["nsamples"],
                settings["std_dev"],
                settings["seed"],
                Against(*(settings[name] for name in ("baseline", "ig_steps", "ig_tolerance"))),
                settings["tokens"],
                Perturbing(**{name: settings[name] for name in PERTURBING}),
            )
            asked += [Asked(look, across) for look in looks]
        return asked

    @property
    def takes_all(self) -> bool:
        """Whether every method is taken that is installed and that the model can serve."""
        return self.method == [ALL]

    @property
    def scan_settings(self) -> ScanSettings | None:
        """How images are scanned, where they are; UserError for what is missing or out of range."""
        needed = any(asked.look.method.needs is Needs.BACKGROUND for asked in self.looks)
        return settings_from(self.scan) if needed else None

    def model_settings(self) -> dict[str, Any]:
        """What `load_model` takes beside the model's name."""
        return {name: getattr(self, name) for name in MODEL_KEYS}
