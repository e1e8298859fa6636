"""Reference maps: what a method must beat, since many a metric rewards what explains nothing.

A new one is one decorated function. All give float64 [h, w] at the layer's resolution, >= 0.
"""

import inspect
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, TypeVar

import numpy as np
from numpy.typing import ArrayLike, NDArray

from sgcampp.draws import random_permutation, random_uniforms
from sgcampp.metrics.arrays import finite_map, is_flat
from sgcampp.metrics.complexity import difference
from sgcampp.metrics.metric import Floats, Undefined, signature
from sgcampp.metrics.resizing import area_average, resize
from sgcampp.registry import Registry

Function = TypeVar("Function", bound=Callable[..., Any])

INGREDIENTS = {
    "shape": "(h, w), the layer's resolution",
    "image": "uint8 [H, W, 3], the model's input in pixels, RGB",
    "seed": "of the evaluation",
    "key": "the image's key in the output tree",
    "other_map": "[h, w], the map of another image, see `partners`",
    "plain_map": "[h, w], Grad-CAM++'s map",
    "smooth_map": "[h, w], Smooth Grad-CAM++'s map",
}
"""Every argument that a reference map may take, and what it is."""


@dataclass(frozen=True)
class Reference:
    """A registered reference map.

    Attributes:
        name: the function's name.
        make: the function.
        summary: the first line of its docstring.
        needs: the arguments that it takes, words of INGREDIENTS.
        parameters: its keyword-only arguments and their values, to be recorded.
        is_normalised: whether the map is its own M̂; `normalise` would make ones zeros.
    """

    name: str
    make: Callable[..., Floats]
    summary: str
    needs: tuple[str, ...]
    parameters: Mapping[str, Any] = field(default_factory=dict)
    is_normalised: bool = False

    def draw(self, given: Mapping[str, Any], **parameters: Any) -> Floats:
        """The map, float64 [h, w].

        Args:
            given: at least what it needs, by name.
            parameters: in place of its own.

        Raises:
            Undefined: if there is none.
        """
        return self.make(*(given[name] for name in self.needs), **parameters)


REFERENCES: Registry[Reference] = Registry("reference map")


def reference(*, is_normalised: bool = False) -> Callable[[Function], Function]:
    """Registers the decorated function under its own name and returns it unchanged."""

    def register(make: Function) -> Function:
        needs, parameters = signature(make, INGREDIENTS)
        summary = (inspect.getdoc(make) or "").partition("\n")[0]
        of = Reference(make.__name__, make, summary, needs, parameters, is_normalised)
        REFERENCES.register(of.name, of)
        return make

    return register


@reference(is_normalised=True)
def ref_ones(shape: tuple[int, int]) -> Floats:
    """All ones: hides nothing, so its drop is 0."""
    return np.ones(shape)


@reference()
def ref_centre(shape: tuple[int, int], *, width: float = 0.25) -> Floats:
    """A Gaussian in the middle, where photographers put things.

    Args:
        shape: (h, w).
        width: standard deviation, a share of each side.
    """
    rows, columns = (((np.arange(n) + 0.5) / n - 0.5) / width for n in shape)
    return np.exp(-(rows[:, None] ** 2 + columns**2) / 2)


@reference()
def ref_random(shape: tuple[int, int], seed: int, key: str) -> Floats:
    """Uniform noise at the layer's resolution, of its own for each image.

    Args:
        shape: (h, w).
        seed: whole number >= 0.
        key: the image's; the map depends on (seed, key, shape) alone.
    """
    return random_uniforms(math.prod(shape), "ref_random", seed, key, *shape).reshape(shape)


@reference()
def ref_edges(image: NDArray[np.uint8], shape: tuple[int, int]) -> Floats:
    """The image's edges, which know nothing of the class: Sobel, averaged over each neuron's area.

    Args:
        image: uint8 [H, W, 3], RGB.
        shape: (h, w).
    """
    from scipy.ndimage import sobel

    grey = np.asarray(image, np.float64) @ np.array([0.299, 0.587, 0.114])
    return area_average(np.hypot(sobel(grey, 0), sobel(grey, 1)), shape)


@reference()
def ref_shuffled(other_map: ArrayLike, shape: tuple[int, int]) -> Floats:
    """Another image's map: what a method says whatever it is shown.

    Args:
        other_map: [h, w], of the image's partner, see `partners`.
        shape: (h, w); a map of another size is resized.

    Raises:
        Undefined: `map_not_finite`.
    """
    M = finite_map(other_map)
    return M if M.shape == tuple(shape) else resize(M, shape)


@reference()
def ref_blurred(plain_map: ArrayLike, smooth_map: ArrayLike) -> Floats:
    """Grad-CAM++ blurred until it differs as much as smoothing makes it: is it but a blur?

    Args:
        plain_map: [h, w], Grad-CAM++'s.
        smooth_map: [h, w], Smooth Grad-CAM++'s.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`; `zero_map` if the plain one is.
    """
    return blurred(finite_map(plain_map), matching_blur(plain_map, smooth_map))


def partners(classes: ArrayLike, *, seed: int = 0) -> NDArray[np.int64]:
    """For each image another one, so that each is a partner once and none is its own.

    As many as can be are of another class: a map of the same class may be right by chance.

    Args:
        classes: [count], the class explained in each image of the whole listing, whatever is left
            to do.
        seed: they depend on (seed, classes) alone.

    Returns:
        int64 [count], a permutation without a fixed point.

    Raises:
        Undefined: `one_image` for fewer than two.
    """
    of = np.asarray(classes)
    if len(of) < 2:
        raise Undefined("one_image")
    circle = random_permutation(len(of), "partners", seed)
    # Images of one class beside each other, the classes in random order: the image as many places
    # on as the largest class is long is of another class, unless that holds more than half.
    _, first, number, sizes = np.unique(
        of[circle], return_index=True, return_inverse=True, return_counts=True
    )
    circle = circle[np.argsort(first[number], kind="stable")]
    found = np.empty(len(of), np.int64)
    found[circle] = np.roll(circle, -(sizes.max() % len(of) or 1))
    return found


def blurred(saliency: Floats, sigma: float) -> Floats:
    """The map under a Gaussian of `sigma` neurons, the edges continued; itself for 0."""
    from scipy.ndimage import gaussian_filter

    return np.asarray(gaussian_filter(saliency, sigma, mode="nearest"), np.float64)


def matching_blur(plain_map: ArrayLike, smooth_map: ArrayLike, *, steps: int = 60) -> float:
    """The blur after which the plain map differs from itself as much as the smoothed one does.

    Args:
        plain_map: [h, w].
        smooth_map: [h, w].
        steps: halvings of the interval.

    Returns:
        The Gaussian's standard deviation in neurons, 0 … the longer side; the latter where no blur
        changes so much. 0 for a flat map, which none changes.

    Raises:
        ValueError: if the shapes differ.
        Undefined: `map_not_finite`; `zero_map` if the plain one is.
    """
    M, target = finite_map(plain_map), difference(smooth_map, plain_map)
    low, high = 0.0, float(max(M.shape))
    if target == 0 or is_flat(M):
        return 0.0
    if difference(blurred(M, high), M) < target:
        return high
    for _ in range(steps):
        middle = (low + high) / 2
        if difference(blurred(M, middle), M) < target:
            low = middle
        else:
            high = middle
    return high
