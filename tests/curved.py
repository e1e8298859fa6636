"""A tiny network of any activation, and the true derivatives of Y = exp(S) by differences."""

import math

import numpy as np
import tiny

# Central differences over 9 points, of 8th order for the 1st and 2nd derivative, 6th for the 3rd.
OFFSETS = np.arange(-4, 5)
STENCILS = (
    np.array([3, -32, 168, -672, 0, 672, -168, 32, -3]) / 840,
    np.array([-9, 128, -1008, 8064, -14350, 8064, -1008, 128, -9]) / 5040,
    np.array([-7, 72, -338, 488, 0, -488, 338, -72, 7]) / 240,
)
STEP = 0.05


def network(activation, seed=0, scale=1.0, dtype="float64"):
    """(model, head): conv-ReLU `features` 4×4×3 → conv → activation → dense → softmax over 4.

    The head takes the activations of `features` to logits.
    """
    import keras

    keras.utils.set_random_seed(seed)
    layers = keras.layers
    spread = keras.initializers.RandomNormal(0, 0.5 * scale, seed)
    with tiny.dtype_policy(dtype):
        image = keras.Input((4, 4, 3), dtype=dtype)
        A = keras.Input((4, 4, 3), dtype=dtype)
        first = layers.Conv2D(3, 3, padding="same", activation="relu", name="features")
        behind = [
            layers.Conv2D(4, 3, padding="same", kernel_initializer=spread, name="behind"),
            layers.Activation(activation, name="bend"),
            layers.Flatten(),
            layers.Dense(4, kernel_initializer=spread, name="logits"),
        ]

        def chained(x):
            for layer in behind:
                x = layer(x)
            return x

        model = keras.Model(image, layers.Softmax()(chained(first(image))))
        return model, keras.Model(A, chained(A))


def images(count, seed=1):
    return np.random.default_rng(seed).uniform(-1, 1, (count, 4, 4, 3)).astype(np.float32)


def true_derivatives(head, A, c):
    """(S, [d1/Y, d2/Y, d3/Y]) of Y = exp(S_c), each [h, w, K], by differences of Y itself."""
    S = float(head(A[None]).numpy()[0, c])
    moved = np.tile(A, (A.size, len(OFFSETS), 1, 1, 1))
    for i, index in enumerate(np.ndindex(A.shape)):
        moved[(i, slice(None), *index)] += STEP * OFFSETS
    logits = head(moved.reshape(-1, *A.shape)).numpy()[:, c].reshape(A.size, -1)
    Y = np.exp(logits - S)
    return S, [
        (Y @ stencil / STEP**order).reshape(A.shape) for order, stencil in enumerate(STENCILS, 1)
    ]


def averaged(samples):
    """(A, D1, D2, D3 relative to e^{m*}, m*) of samples (A, S, [d1/Y, d2/Y, d3/Y])."""
    top = max(S for _, S, _ in samples)
    D = [
        sum(math.exp(S - top) * d[order] for _, S, d in samples) / len(samples)
        for order in range(3)
    ]
    return D, top
