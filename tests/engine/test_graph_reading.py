"""Which networks are piecewise linear behind a layer, read off their graphs."""

import keras
import pytest
import tensorflow as tf
from keras import layers as kl

from sgcampp.engine.discovery import discover
from sgcampp.engine.graph_reading import moved_by
from sgcampp.explain.looks import Where

STRAIGHT = {
    "relu": lambda: [kl.Activation("relu")],
    "relu6": lambda: [kl.ReLU(6)],
    "leaky": lambda: [kl.LeakyReLU(0.1), kl.Activation("linear")],
    "prelu": lambda: [kl.PReLU()],
    "hard_sigmoid": lambda: [kl.Activation("hard_sigmoid")],
    "thresholded": lambda: [kl.ReLU(threshold=0.5)],
    "normalised": lambda: [kl.BatchNormalization(), kl.Conv2D(3, 3), kl.DepthwiseConv2D(2)],
    "pooled": lambda: [kl.MaxPooling2D(2), kl.AveragePooling2D(2, padding="same")],
    "shaped": lambda: [kl.ZeroPadding2D(1), kl.UpSampling2D(2), kl.Permute((2, 1, 3))],
    "dropped": lambda: [kl.Dropout(0.5), kl.GaussianNoise(0.2), kl.SpatialDropout2D(0.3)],
    "transposed": lambda: [kl.Conv2DTranspose(3, 2), kl.SeparableConv2D(3, 2)],
}
BENT = {
    "tanh": (lambda: [kl.Activation("tanh")], "Tanh"),
    "sigmoid": (lambda: [kl.Activation("sigmoid")], "Sigmoid"),
    "gelu": (lambda: [kl.Activation("gelu")], "Erfc"),
    "silu": (lambda: [kl.Activation("silu")], "Sigmoid"),
    "hard_silu": (lambda: [kl.Activation("hard_silu")], "a product of activations"),
    "softplus": (lambda: [kl.Activation("softplus")], "Softplus"),
    "elu": (lambda: [kl.Activation("elu")], "Elu"),
    "selu": (lambda: [kl.Activation("selu")], "Selu"),
    "softmax": (lambda: [kl.Softmax()], "Softmax"),
    "layer_norm": (lambda: [kl.LayerNormalization()], "SquaredDifference"),
    "group_norm": (lambda: [kl.GroupNormalization(1)], "SquaredDifference"),
    "unit_norm": (lambda: [kl.UnitNormalization()], "Square"),
}


def network(behind, tapped="features"):
    """Conv-ReLU `features`, what is behind it, flatten, dense, softmax."""
    image = keras.Input((8, 8, 3))
    x = kl.Conv2D(3, 3, padding="same", activation="relu", name=tapped)(image)
    for layer in behind:
        x = layer(x)
    return keras.Model(image, kl.Dense(4, activation="softmax")(kl.Flatten()(x)))


def bend(model, layer="features"):
    where = Where(layer, False)
    return discover(model, (8, 8, 3), [where]).spots[where].bend


@pytest.mark.parametrize("name", STRAIGHT)
def test_piecewise_linear_networks_have_no_bend(name):
    assert bend(network(STRAIGHT[name]())) is None


@pytest.mark.parametrize("name", BENT)
def test_the_first_operation_that_bends_is_named(name):
    behind, kind = BENT[name]
    found = bend(network(behind()))
    assert found.startswith(f"{kind} in '")
    assert behind()[0].name.rpartition("_")[0].split("_")[0] in found


def test_a_bend_before_the_layer_or_in_the_last_softmax_does_not_count():
    image = keras.Input((8, 8, 3))
    x = kl.Conv2D(3, 3, activation="tanh", name="early")(image)
    x = kl.Conv2D(3, 3, activation="relu", name="features")(x)
    model = keras.Model(image, kl.Dense(4, activation="softmax")(kl.Flatten()(x)))
    assert bend(model) is None
    assert bend(network([kl.Activation("tanh")]), "features").startswith("Tanh")


def test_a_gate_bends_only_where_it_hangs_on_the_layer():
    image = keras.Input((8, 8, 3))
    early = kl.Conv2D(3, 3, activation="relu", name="early")(image)
    features = kl.Conv2D(3, 1, activation="relu", name="features")(early)
    gate = kl.Dense(3, activation="sigmoid")(kl.GlobalAveragePooling2D()(early))
    gated = kl.Multiply(name="gated")([kl.GlobalAveragePooling2D()(features), gate])
    model = keras.Model(image, kl.Dense(4)(gated))
    assert bend(model, "features") is None
    assert bend(model, "early").startswith("Sigmoid")


def test_attention_bends():
    image = keras.Input((8, 8, 3))
    x = kl.Conv2D(4, 1, name="features")(image)
    tokens = kl.Reshape((64, 4))(x)
    x = kl.MultiHeadAttention(2, 2)(tokens, tokens)
    assert bend(keras.Model(image, kl.Dense(4)(kl.Flatten()(x)))) is not None


def test_an_unknown_operation_counts_as_a_bend():
    x = network([kl.Lambda(lambda x: tf.math.lgamma(x + 1))])
    assert bend(x).startswith("Lgamma in '")


def test_shapes_move_nothing():
    found = {}

    @tf.function(autograph=False)
    def traced(x):
        sized = tf.zeros([tf.shape(x)[0], 2]) + 1
        scaled = x * sized
        moved = moved_by(x)
        found.update(sized=sized.op in moved, scaled=scaled.op in moved)
        return scaled

    traced.get_concrete_function(tf.TensorSpec([None, 2]))
    assert found == {"sized": False, "scaled": True}
