"""Watches one trace of a model: every layer's output, in nested and subclassed models too."""

import functools
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import keras

from sgcampp.models.spatial import Layout, Reading, Shape, full_shape

# Their inner tensors [N, heads, T, T] look like feature maps and are none.
_OPAQUE = ("MultiHeadAttention", "GroupedQueryAttention")


@dataclass(eq=False)
class LayerCall:
    """One call of a layer, as the trace passed it.

    Attributes:
        address: path of layer names, 'outer/inner'; of a layer called more than once, the
            calls are 'name#1', 'name#2', ….
        layer: the layer, or the operation of a functional model (`x + y`).
        tensor: what it returned: usually a symbolic tensor [N, h, w, K].
        layout: how that lies over the image; None if it does not.
        maps: the same as [N, h, w, K]; what comes after the layer is made of it.
        full_shape: of what it returned, None where unknown; () if it is not one tensor.
    """

    address: str
    layer: Any
    tensor: Any
    layout: Layout | None
    maps: Any
    full_shape: Shape

    @property
    def type(self) -> str:
        """Name of the layer's class."""
        return type(self.layer).__name__

    @property
    def shape(self) -> Shape:
        """(h, w, K) of what lies over the image; else its shape without the batch axis."""
        return self.layout.shape if self.layout else self.full_shape[1:]


@contextmanager
def watched_layers(model: keras.Model, reading: Reading | None = None) -> Iterator[list[LayerCall]]:
    """Records every layer's output, in call order, while the model is called inside the block.

    The layers' `call` is wrapped on the instance, and restored on leaving, errors included; the
    model itself is not recorded. Meant for one trace inside a `tf.function`.

    Args:
        model: any Keras model: functional, Sequential, subclassed, nested.
        reading: how outputs are read as [N, h, w, K]; without one only those that are.

    Yields:
        The list that fills while the model runs.
    """
    seen: list[LayerCall] = []
    reading = reading or Reading()
    wrapped: list[tuple[Any, dict[str, Any]]] = []
    try:
        for address, layer in _walk(model):
            wrapped.append((layer, {"call": vars(layer)["call"]} if "call" in vars(layer) else {}))
            object.__setattr__(layer, "call", _watched(address, layer, reading, seen))
        yield seen
    finally:
        for layer, own in reversed(wrapped):
            object.__delattr__(layer, "call")
            vars(layer).update(own)


def _walk(model: Any) -> Iterator[tuple[str, Any]]:
    """Every layer and operation below `model` once, breadth first, with its address."""
    seen = {id(model)}
    waiting = [("", model)]
    while waiting:
        prefix, parent = waiting.pop(0)
        for child in _children(parent):
            if id(child) in seen:
                continue
            seen.add(id(child))
            yield prefix + child.name, child
            if type(child).__name__ not in _OPAQUE:
                waiting.append((f"{prefix}{child.name}/", child))


def _children(parent: Any) -> list[Any]:
    """Layers that `parent` owns, and the operations (`x + y`) of a functional model's graph."""
    layers = list(getattr(parent, "_layers", []))
    return layers + [o for o in getattr(parent, "_operations", []) if o not in layers]


def _watched(
    address: str, layer: Any, reading: Reading, seen: list[LayerCall]
) -> Callable[..., Any]:
    original = layer.call
    calls: list[LayerCall] = []

    @functools.wraps(original)
    def call(*args: Any, **kwargs: Any) -> Any:
        returned = original(*args, **kwargs)
        tensor, layout, maps = reading.read(address, layer, returned)
        calls.append(LayerCall(address, layer, tensor, layout, maps, full_shape(returned)))
        seen.append(calls[-1])
        if len(calls) > 1:
            calls[0].address = f"{address}#1"
            calls[-1].address = f"{address}#{len(calls)}"
        return tensor

    return call
