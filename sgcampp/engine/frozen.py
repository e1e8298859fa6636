"""A model's weights as constants of the traced graph."""

import math

import keras
import numpy as np
import tensorflow as tf

LARGEST_CONSTANT, ALL_CONSTANTS = 4_000_000, 200_000_000
"""Numbers in a weight, and in all of them, up to which frozen weights pay; a graph has 2 GB."""


def frozen_weights(model: keras.Model) -> keras.StatelessScope:
    """A scope in which the model's weights are constants, as far as that pays.

    TensorFlow then folds each batch normalisation into its convolution, and keeps the kernels in
    the layout that the processor likes, which it cannot do while the weights may change.
    """
    sizes = {id(variable): math.prod(variable.shape) for variable in model.variables}
    within = sum(size for size in sizes.values() if size <= LARGEST_CONSTANT) <= ALL_CONSTANTS
    with tf.init_scope():
        values = [
            (variable, variable.numpy())
            for variable in model.variables
            if within and sizes[id(variable)] <= LARGEST_CONSTANT
        ]
    numbers = [(v, value) for v, value in values if np.issubdtype(value.dtype, np.floating)]
    return keras.StatelessScope(state_mapping=[(v, tf.constant(value)) for v, value in numbers])
