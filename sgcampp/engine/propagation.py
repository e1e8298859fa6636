"""How a gradient passes an op: as calculus has it, or by the rules of three methods."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from functools import cache
from typing import Any

import tensorflow as tf

from sgcampp.engine.deep_lift import backward_rules
from sgcampp.errors import UserError

_RELUS = ("Relu", "Relu6")


@contextmanager
def propagating(rule: str) -> Iterator[None]:
    """Ops traced inside the block pass gradients back by a rule.

    `plain`: as calculus has it. `deep_lift`: see there; for traces of images and baselines.
    `guided_backprop` (Springenberg et al. 2014): positive gradients, where the ReLU's input was in
    its linear part. `deconvnet` (Zeiler and Fergus 2013): positive gradients, wherever.

    Raises:
        UserError: if there was no ReLU at all, since the rule would then change nothing.
    """
    if rule == "plain":
        yield
        return
    graph = tf.compat.v1.get_default_graph()
    if rule == "deep_lift":
        with graph.gradient_override_map(_deep_lift()), _no_other_overrides(graph):
            yield
        return
    names = {relu: _registered(rule, relu) for relu in _RELUS}
    with graph.gradient_override_map(names):
        yield
    if not any(op.type in _RELUS for op in graph.get_operations()):
        raise UserError(
            f"{rule} changes how ReLUs pass gradients back, but this model has none: choose "
            "another method, such as gradient or smooth_grad"
        )


@cache
def _deep_lift() -> dict[str, str]:
    """Registers DeepLIFT's rules with TensorFlow, once a process; names by type of op."""
    names = {}
    for kind, backward in backward_rules().items():
        names[kind] = f"Sgcampp_deep_lift_{kind}"
        tf.RegisterGradient(names[kind])(backward)
    return names


@contextmanager
def _no_other_overrides(graph: Any) -> Iterator[None]:
    """Lets functions that bring a gradient of their own, as swish does, pass back op by op."""
    graph.gradient_override_map = lambda names: nullcontext()
    try:
        yield
    finally:
        del graph.gradient_override_map


@cache
def _registered(rule: str, relu: str) -> str:
    """Registers a rule for one kind of ReLU with TensorFlow, once a process; returns its name."""
    name = f"Sgcampp_{rule}_{relu}"
    tf.RegisterGradient(name)(_gradient(rule, 6 if relu == "Relu6" else None))
    return name


def _gradient(rule: str, upper: int | None) -> Callable[..., Any]:
    def deconvnet(op: tf.Operation, g: tf.Tensor) -> tf.Tensor:
        return tf.nn.relu(g)

    def guided_backprop(op: tf.Operation, g: tf.Tensor) -> tf.Tensor:
        x = op.inputs[0]
        linear = (x > 0) if upper is None else (x > 0) & (x < upper)
        return tf.where(linear, tf.nn.relu(g), tf.zeros_like(g))

    return {"deconvnet": deconvnet, "guided_backprop": guided_backprop}[rule]
