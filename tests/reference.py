"""Eq. 1–8 of Smooth Grad-CAM++ as plain float64 loops, and a tiny CNN worked by hand.

Nothing here is fast, clever or shared with the product: it is what the product is held against.
"""

import math

import numpy as np


def convolution_relu(x, kernel, bias):
    """x [H, W, C], kernel [3, 3, C, K], 'same' padding, stride 1 -> relu, [H, W, K]."""
    height, width, _ = x.shape
    padded = np.pad(x.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    out = np.zeros((height, width, kernel.shape[-1]))
    for i in range(height):
        for j in range(width):
            patch = padded[i : i + 3, j : j + 3]
            for k in range(kernel.shape[-1]):
                out[i, j, k] = max(0.0, float((patch * kernel[..., k]).sum() + bias[k]))
    return out


def head(A, W1, b1, W2, b2):
    """Max-pool 2×2, flatten, dense ReLU, dense: logits [C] of A [h, w, K]."""
    pooled, _ = max_pool(A)
    hidden = np.maximum(pooled.ravel() @ W1 + b1, 0)
    return hidden @ W2 + b2


def max_pool(A):
    """2×2 max-pool, stride 2; also where each maximum stood."""
    h, w, K = A.shape
    pooled = np.zeros((h // 2, w // 2, K))
    where = np.zeros((h // 2, w // 2, K, 2), int)
    for i in range(h // 2):
        for j in range(w // 2):
            for k in range(K):
                window = A[2 * i : 2 * i + 2, 2 * j : 2 * j + 2, k]
                di, dj = np.unravel_index(np.argmax(window), (2, 2))
                pooled[i, j, k] = window[di, dj]
                where[i, j, k] = 2 * i + di, 2 * j + dj
    return pooled, where


def head_gradient(A, W1, b1, W2, b2, c):
    """dS_c/dA [h, w, K], by the chain rule written out."""
    pooled, where = max_pool(A)
    active = (pooled.ravel() @ W1 + b1) > 0
    to_pooled = (W1 * active) @ W2[:, c]
    g = np.zeros(A.shape)
    flat = where.reshape(-1, 2)
    for position, value in enumerate(to_pooled):
        i, j = flat[position]
        g[i, j, position % A.shape[2]] += value
    return g


def finite_differences(function, A, step=1e-5):
    """Central differences of a scalar function of A [h, w, K]."""
    g = np.zeros(A.shape)
    for index in np.ndindex(A.shape):
        up, down = A.copy(), A.copy()
        up[index] += step
        down[index] -= step
        g[index] = (function(up) - function(down)) / (2 * step)
    return g


def averages(samples, score):
    """D1, D2, D3 over samples (A, S, g) and the m* they are relative to."""
    top = max(S for _, S, _ in samples) if score == "exp_logit" else 0.0
    D = [np.zeros(samples[0][2].shape) for _ in range(3)]
    for _, S, g in samples:
        Y = math.exp(S - top) if score == "exp_logit" else 1.0
        for order in range(3):
            D[order] += Y * g ** (order + 1) / len(samples)
    return D, top


def effective_samples(samples, score):
    if score == "logit":
        return float(len(samples))
    top = max(S for _, S, _ in samples)
    weights = [math.exp(S - top) for _, S, _ in samples]
    return sum(weights) ** 2 / sum(w * w for w in weights)


def contributions(A, D, numerator, guard, filters, neurons):
    """w^k A^k [h, w, K] for the chosen k and (i, j), 0 elsewhere; and the guarded alphas."""
    K = A.shape[-1]
    out, guarded = np.zeros(A.shape), 0
    for k in range(K) if filters is None else filters:
        sum_A = sum(A[i, j, k] for i, j in neurons)
        weight = 0.0
        for i, j in neurons:
            D1, D2, D3 = D[0][i, j, k], D[1][i, j, k], D[2][i, j, k]
            denominator = 2 * D2 + sum_A * D3
            top = D2 if numerator == "second" else D1
            if guard == "nonnegative" and denominator <= 1e-3 * D2:
                guarded += D1 > 0 and D2 > 0
                continue
            alpha = top / denominator if denominator != 0 else 0.0
            weight += alpha * max(D1, 0.0)
        for i, j in neurons:
            out[i, j, k] = weight * A[i, j, k]
    return out, guarded


def smooth_grad_cam_pp(
    clean,
    noised,
    score="exp_logit",
    alpha_numerator="second",
    activations="clean",
    average="derivatives",
    alpha_guard="nonnegative",
    filters=None,
    neurons=None,
):
    """L relative to e^{log_scale}: (L [h, w], one L a filter [F, h, w], log_scale, guarded).

    clean: (A, S, g) of the clean image; noised: a list of such, empty for n = 0.
    """
    samples = noised or [clean]
    h, w, _ = clean[0].shape
    neurons = neurons or [(i, j) for i in range(h) for j in range(w)]
    args = (alpha_numerator, alpha_guard, filters, neurons)
    if average == "derivatives":
        D, top = averages(samples, score)
        A = clean[0]
        if activations == "mean":
            A = sum(a for a, _, _ in samples) / len(samples)
        weighted, guarded = contributions(A, D, *args)
        L = np.maximum(weighted.sum(-1), 0)
        single = [np.maximum(weighted[..., k], 0) for k in filters or []]
        return L, single, top, guarded
    top = max(S for _, S, _ in samples) if score == "exp_logit" else 0.0
    L, single = np.zeros((h, w)), [np.zeros((h, w)) for _ in filters or []]
    for own, S, g in samples:
        Y = math.exp(S - top) if score == "exp_logit" else 1.0
        A = own if activations == "mean" else clean[0]
        weighted, _ = contributions(A, (g, g**2, g**3), *args)
        L += Y * np.maximum(weighted.sum(-1), 0) / len(samples)
        for f, k in enumerate(filters or []):
            single[f] += Y * np.maximum(weighted[..., k], 0) / len(samples)
    return L, single, top, None


def standard_error(n, groups, estimate):
    """Delete-a-group jackknife of any estimate (Busing et al. 1999, Eq. 4–7): its error.

    The root of variance and squared bias.

    Samples 1 … n; sample m is in group m mod `groups`. estimate: a list of sample numbers -> [...].
    """
    everything = list(range(1, n + 1))
    whole = estimate(everything)
    parts = [[m for m in everything if m % groups == j] for j in range(groups)]
    without = [estimate([m for m in everything if m not in part]) for part in parts]
    centre = groups * whole - sum(
        (1 - len(part) / n) * theta for part, theta in zip(parts, without, strict=True)
    )
    variance = 0
    for part, theta in zip(parts, without, strict=True):
        h = n / len(part)
        pseudo = h * whole - (h - 1) * theta
        variance += (pseudo - centre) ** 2 / (h - 1) / groups
    return np.sqrt(variance + (whole - centre) ** 2)


def grad_cam(clean, filters=None, neurons=None):
    """Eq. 1 and 2 [h, w]."""
    A, _, g = clean
    h, w, K = A.shape
    neurons = neurons or [(i, j) for i in range(h) for j in range(w)]
    L = np.zeros((h, w))
    for k in range(K) if filters is None else filters:
        weight = sum(g[i, j, k] for i, j in neurons) / len(neurons)
        for i, j in neurons:
            L[i, j] += weight * A[i, j, k]
    return np.maximum(L, 0)


def convolution(x, kernel, bias):
    """x [H, W, C], kernel [3, 3, C, K], 'same' padding, stride 1, no activation -> [H, W, K]."""
    height, width, _ = x.shape
    padded = np.pad(x.astype(np.float64), ((1, 1), (1, 1), (0, 0)))
    out = np.zeros((height, width, kernel.shape[-1]))
    for i in range(height):
        for j in range(width):
            out[i, j] = np.tensordot(padded[i : i + 3, j : j + 3], kernel, 3) + bias
    return out


def convolution_backward(g, kernel):
    """dS/dx [H, W, C] of a convolution whose output has dS/dz = g [H, W, K]."""
    height, width, _ = g.shape
    padded = np.zeros((height + 2, width + 2, kernel.shape[2]))
    for i in range(height):
        for j in range(width):
            padded[i : i + 3, j : j + 3] += kernel @ g[i, j]
    return padded[1:-1, 1:-1]


def average_pool(A):
    """2×2 average-pool, stride 2."""
    return (A[::2, ::2] + A[1::2, ::2] + A[::2, 1::2] + A[1::2, 1::2]) / 4


def average_pool_backward(g):
    return np.repeat(np.repeat(g, 2, 0), 2, 1) / 4


RELU_BACKWARD = {
    "gradient": lambda g, z: g * (z > 0),
    "guided_backprop": lambda g, z: np.maximum(g, 0) * (z > 0),
    "deconvnet": lambda g, z: np.maximum(g, 0),
}
"""What a ReLU of z passes back of g: true, Springenberg et al. 2017, Zeiler and Fergus 2013."""


def pixel_map(method, backward, x, noised=(), steps=50):
    """A pixel-space method by its definition: [H, W].

    backward(x, rule) is the input's gradient [H, W, C] with ReLUs as in RELU_BACKWARD; noised: the
    noised samples of smooth_grad.
    """
    x = x.astype(np.float64)
    if method in RELU_BACKWARD:
        return np.abs(backward(x, method)).max(-1)
    if method == "smooth_grad":
        each = [backward(z, "gradient") for z in (noised if len(noised) else [x])]
        return np.abs(sum(each) / len(each)).max(-1)
    if method == "input_x_gradient":
        return np.abs((x * backward(x, "gradient")).sum(-1))
    assert method == "integrated_gradients"
    return np.abs(integrated_gradients(backward, x, steps).sum(-1))


def integrated_gradients(backward, x, steps):
    """Attributions [H, W, C] against the baseline 0, by the midpoint rule."""
    total = np.zeros(x.shape)
    for m in range(1, steps + 1):
        total += backward((m - 0.5) / steps * x, "gradient")
    return x * total / steps


def incompleteness(attributions, S_x, S_0):
    """|sum of attributions - (S(x) - S(0))| / |S(x) - S(0)|."""
    return abs(attributions.sum() - (S_x - S_0)) / abs(S_x - S_0)


def resized(L, height, width):
    """Bilinear, half-pixel centres, the border held: [h, w] -> [height, width]."""
    h, w = L.shape
    out = np.zeros((height, width))
    for i in range(height):
        for j in range(width):
            y = min(max((i + 0.5) * h / height - 0.5, 0), h - 1)
            x = min(max((j + 0.5) * w / width - 0.5, 0), w - 1)
            top, left = min(int(y), h - 2), min(int(x), w - 2)
            dy, dx = y - top, x - left
            out[i, j] = (1 - dy) * ((1 - dx) * L[top, left] + dx * L[top, left + 1])
            out[i, j] += dy * ((1 - dx) * L[top + 1, left] + dx * L[top + 1, left + 1])
    return out
