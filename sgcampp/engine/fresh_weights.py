"""A network that has forgotten what it learned: weights drawn anew, the model itself untouched.

For the sanity checks of Adebayo et al. (2018, arXiv 1810.03292): a map that stays as it was does
not explain the network.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import keras
import numpy as np
import tensorflow as tf
from numpy.typing import NDArray

from sgcampp.engine.tap import inlined


class FreshWeights:
    """All layers of a model re-initialised by their own initialisers.

    A weight without one (of a layer that keeps none) is drawn by Glorot and Bengio's rule if it is
    a trained matrix or kernel, else it stays. Batch normalisation that starts from its initial
    statistics would let the signal die within some layers, so these are taken anew of images.

    Args:
        model: any Keras model; it is not changed.
        images: float32 [N, H, W, C], model inputs that the statistics are taken of.
        seed: the weights depend on it and on the model alone.
    """

    def __init__(self, model: keras.Model, images: NDArray[np.float32], seed: int) -> None:
        self._values = [
            (variable, _drawn(layer, variable, seed, number))
            for number, (layer, variable) in enumerate(_weights(model))
        ]
        norms = [one for one in _layers(model) if isinstance(one, keras.layers.BatchNormalization)]
        if not norms:
            return
        with self.in_place() as scope, inlined(), _own_statistics(norms, scope):
            model(tf.constant(images), training=False)
        self._values = [(one, scope.get_current_value(one)) for one, _ in self._values]

    def in_place(self) -> keras.StatelessScope:
        """A scope in which the model's weights are these; what is traced inside keeps them."""
        return keras.StatelessScope(state_mapping=self._values)


def _layers(model: keras.Model) -> list[Any]:
    return list(model._flatten_layers())


def _weights(model: keras.Model) -> Iterator[tuple[Any, keras.Variable]]:
    """Each weight once, with the layer that owns it."""
    seen: set[int] = set()
    for layer in _layers(model):
        for variable in [*layer._trainable_variables, *layer._non_trainable_variables]:
            if id(variable) not in seen:
                seen.add(id(variable))
                yield layer, variable


def _drawn(layer: Any, variable: keras.Variable, seed: int, number: int) -> tf.Tensor:
    initialiser = _initialiser_of(layer, variable)
    if initialiser is None:
        return tf.convert_to_tensor(variable.value)
    config = initialiser.get_config()
    if "seed" in config:
        word = np.random.SeedSequence([seed, number]).generate_state(1)[0]
        initialiser = type(initialiser).from_config({**config, "seed": int(word)})
    return tf.convert_to_tensor(initialiser(variable.shape, dtype=variable.dtype))


def _initialiser_of(layer: Any, variable: keras.Variable) -> keras.Initializer | None:
    name = variable.name
    # `depthwise_kernel` is made by `depthwise_initializer`, as is a depthwise layer's `kernel`.
    words = [name, name.removesuffix("_kernel"), *["depthwise"] * (name == "kernel")]
    for word in words:
        found = getattr(layer, f"{word}_initializer", None)
        if isinstance(found, keras.Initializer):
            return found
    is_trained = any(variable is one for one in layer._trainable_variables)
    return keras.initializers.GlorotUniform() if is_trained and len(variable.shape) > 1 else None


@contextmanager
def _own_statistics(norms: list[Any], scope: keras.StatelessScope) -> Iterator[None]:
    """Lets each batch normalisation take its statistics, to keep, of what it is shown."""
    before = [(layer, vars(layer).get("call")) for layer in norms]
    try:
        for layer in norms:
            object.__setattr__(layer, "call", _taking_statistics(layer, scope))
        yield
    finally:
        for layer, own in before:
            object.__delattr__(layer, "call")
            if own is not None:
                object.__setattr__(layer, "call", own)


def _taking_statistics(layer: Any, scope: keras.StatelessScope) -> Callable[..., Any]:
    original = layer.call

    def call(x: tf.Tensor, *args: Any, **kwargs: Any) -> Any:
        rank = len(x.shape)
        axes = [axis for axis in range(rank) if axis != layer.axis % rank]
        mean, variance = tf.nn.moments(tf.cast(x, tf.float32), axes)
        for variable, value in ((layer.moving_mean, mean), (layer.moving_variance, variance)):
            scope.add_update((variable, tf.cast(value, variable.dtype)))
        return original(x, *args, **kwargs)

    return call
