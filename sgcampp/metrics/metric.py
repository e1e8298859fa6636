"""What a metric is, and how one is registered.

A new metric is one decorated function in a module that `catalogue` imports. The decorator reads
what the function needs off its signature and returns it unchanged, so that anybody may call it on
plain arrays.
"""

import inspect
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from sgcampp.registry import Registry

Floats = NDArray[np.float64]
Function = TypeVar("Function", bound=Callable[..., Any])

ARGUMENTS = {
    "layer_map": "[h, w], the saliency map at the layer's resolution",
    "plain_map": "[h, w], the map of the same method without noise",
    "saliency": "[H, W], the saliency map M resized to the model's input",
    "normalised": "[H, W] in 0…1, M̂: M less its minimum, over what is then its maximum",
    "masked_saliency": "[H, W], the map of the image times M̂, resized likewise",
    "randomised_map": "[h, w], the map of the network with layers re-initialised",
    "perturbed_maps": "[k, h, w], the maps of k noised images",
    "reseeded_map": "[h, w], the map of the same image under another seed of the method's noise",
    "p0": "the probability of the class, of the image as it is",
    "p1": "the probability of the class, of the image times M̂",
    "other_p1": "p1 of the map that this one is compared with",
    "shares": "[steps], the shares of pixels put in or taken out, rising from 0 to 1",
    "insertion_curve": "[steps], probabilities with the most important share put in",
    "deletion_curve": "[steps], probabilities with the most important share taken out",
    "lerf_curve": "[steps], probabilities with the least important share taken out",
    "road_morf_curve": "[steps], probabilities with the most important share imputed",
    "road_lerf_curve": "[steps], probabilities with the least important share imputed",
    "subsets": "bool [k, g, g], the cells of a grid over the image that were taken out",
    "subset_scores": "[k], probabilities with each subset taken out",
    "mask": "bool [H, W], the pixels of the class's objects",
    "instances": "bool [objects, H, W], the pixels of each of the class's objects",
}
"""Every argument that a metric may take, and what it is."""

REASONS = {
    "score_not_finite": "a class score is NaN or infinite",
    "score_zero": "the class has no probability that could drop",
    "map_not_finite": "a map holds NaN or infinity",
    "flat_map": "a map has one value everywhere",
    "zero_map": "a map is zero everywhere",
    "one_neuron": "the map has one neuron",
    "too_small": "the map is smaller than the metric's window",
    "zero_entropy": "one neuron holds the whole map",
    "tie": "both maps lose the same",
    "no_curve": "a curve has fewer points than it needs",
    "constant": "one of two correlated series has one value everywhere",
    "no_object": "no pixel belongs to an object",
    "one_instance": "there are fewer than two objects",
    "no_perturbations": "no perturbed image was explained",
    "one_image": "there is no other image",
    "overflow": "the numbers leave the range of float64",
}
"""Every reason why a metric has no value, in words."""


class Undefined(ValueError):
    """The metric has no value here.

    Attributes:
        reason: a word of REASONS.
        words: the sentence that it stands for.
    """

    def __init__(self, reason: str) -> None:
        # The word alone is kept in `args`, so that a process may hand the error to another.
        super().__init__(reason)
        self.reason = reason
        self.words = REASONS[reason]

    def __str__(self) -> str:
        return self.words


@dataclass(frozen=True)
class Metric:
    """A registered metric.

    Attributes:
        name: the function's name.
        compute: the function; it returns a finite float in `unit`, or raises Undefined.
        summary: the first line of its docstring.
        better: "more", "less", or "" for what only describes a map.
        needs: the arguments that it takes, words of ARGUMENTS.
        parameters: its keyword-only arguments and their values, to be recorded.
        unit: "%" (0…100) or "".
        yes_no: whether each map has a yes (100 %) or a no (0 %).
        pool: None, or for a metric that is one number for many maps: `compute` returns a map's
            evidence, an array, and `pool` takes the mean evidence of many maps, [..., evidence's
            shape] for several lots of maps, to the numbers [...].
    """

    name: str
    compute: Callable[..., Any]
    summary: str
    better: Literal["more", "less", ""]
    needs: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    unit: Literal["%", ""] = ""
    yes_no: bool = False
    pool: Callable[[Floats], Floats] | None = None

    def measure(self, given: Mapping[str, Any], **parameters: Any) -> Any:
        """The metric, or its evidence, of one map.

        Args:
            given: at least what the metric needs, by name.
            parameters: in place of its own.

        Raises:
            Undefined: if it has no value.
        """
        value = self.compute(*(given[name] for name in self.needs), **parameters)
        if not np.all(np.isfinite(value)):
            raise Undefined("overflow")
        return value


METRICS: Registry[Metric] = Registry("metric")
"""Filled by the modules that define metrics; `catalogue` imports them all."""


def metric(
    *,
    better: Literal["more", "less", ""],
    unit: Literal["%", ""] = "",
    yes_no: bool = False,
    pool: Callable[[Floats], Floats] | None = None,
) -> Callable[[Function], Function]:
    """Registers the decorated function under its own name and returns it unchanged.

    Its positional arguments are what it needs, its keyword-only ones its parameters.
    """

    def register(function: Function) -> Function:
        needs, parameters = signature(function, ARGUMENTS)
        summary = (inspect.getdoc(function) or "").partition("\n")[0]
        of = Metric(
            function.__name__, function, summary, better, needs, parameters, unit, yes_no, pool
        )
        METRICS.register(of.name, of)
        return function

    return register


def signature(
    function: Callable[..., Any], known: Mapping[str, str]
) -> tuple[tuple[str, ...], dict[str, Any]]:
    """The positional arguments of a function, and its keyword-only ones with their values.

    Raises:
        ValueError: for a positional argument that is not `known`.
    """
    needs, parameters = [], {}
    for name, parameter in inspect.signature(function).parameters.items():
        if parameter.kind is parameter.KEYWORD_ONLY:
            parameters[name] = parameter.default
        elif name in known:
            needs.append(name)
        else:
            raise ValueError(f"{function.__name__} needs {name!r}, known: {', '.join(known)}")
    return tuple(needs), parameters
