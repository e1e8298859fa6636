"""Which maps are alike: spectral clustering, and whether what it cut apart is apart.

After SpRAy (Lapuschkin et al. 2019, "Unmasking Clever Hans predictors"). Spectral clustering cuts
anything into pieces, so each pair of pieces is asked whether there is a valley between them
(Hartigan and Hartigan 1985, dip test), and those without one are joined to one strategy. A
silhouette against permuted or rotated maps can't tell that: it calls maps that lie evenly over the
picture several.
"""

import itertools
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from sgcampp.errors import UserError
from sgcampp.strategies.heat import Floats

MOST_PIECES = 8
ALPHA = 0.001
"""Two pieces are apart where a dip as deep has a smaller probability if there were no valley."""
DENSE = 1500
"""Up to so many images, all eigenvalues are found at once."""


@dataclass(frozen=True, eq=False)
class Clusters:
    """How the images of a group fall apart.

    Attributes:
        labels: int [n], 0 for the largest.
        eigenvalues: of the graph's normalised Laplacian, the smallest first.
        pieces: how many the largest gap between eigenvalues stands for.
        p: the largest probability of the dips between strategies; None for one strategy.
        silhouette: mean over images, of the strategies; None for one strategy.
    """

    labels: NDArray[np.intp]
    eigenvalues: Floats
    pieces: int
    p: float | None
    silhouette: float | None


def find_clusters(heat: Floats, seed: int = 0) -> Clusters:
    """Groups maps that are alike.

    Args:
        heat: [n, h, w], n >= 3, each of the sum 1.
        seed: of k-means.

    Raises:
        UserError: if scikit-learn or diptest is missing.
    """
    try:
        from sklearn.metrics import silhouette_score
    except ImportError:
        raise UserError(
            "strategies need scikit-learn and diptest: pip install 'sgcampp[strategies]'"
        ) from None
    points = points_of(heat)
    if not points.std(0).any():
        return Clusters(np.zeros(len(points), np.intp), np.zeros(1), 1, None, None)
    values, vectors = _spectrum(points)
    pieces = int(np.argmax(np.diff(values)[1:])) + 2
    cut = _cut(vectors[:, :pieces], seed)
    labels, p = _joined(points, cut)
    if p is None:
        return Clusters(labels, values, pieces, None, None)
    return Clusters(labels, values, pieces, p, float(silhouette_score(points, labels)))


def points_of(heat: Floats) -> Floats:
    """[n, h, w] -> [n, h · w], to be compared by Euclidean distance.

    Square roots, Hellinger's distance, would make less of a small hot spot, such as a watermark's.
    """
    return heat.reshape(len(heat), -1)


def _spectrum(points: Floats) -> tuple[Floats, Floats]:
    """Of the graph of who is whose neighbour: the normalised Laplacian's smallest eigenvalues.

    Returns:
        The eigenvalues [m], the smallest first, and their vectors [n, m].
    """
    from scipy.linalg import eigh
    from scipy.sparse.csgraph import laplacian
    from scipy.sparse.linalg import eigsh
    from sklearn.neighbors import kneighbors_graph

    count = len(points)
    neighbours = min(count - 1, max(5, round(2 * np.log(count))))
    graph = kneighbors_graph(points, neighbours)
    graph = graph.maximum(graph.T)
    matrix = laplacian(graph, normed=True)
    most = min(MOST_PIECES, count - 2)
    if count <= DENSE:
        values, vectors = eigh(matrix.toarray(), subset_by_index=[0, most])
        return values, vectors
    start = np.random.default_rng(0).random(count)
    # A Laplacian's eigenvalues are at most 2: the smallest of it are the largest of 2 - L.
    shifted = -matrix
    shifted.setdiag(shifted.diagonal() + 2)
    values, vectors = eigsh(shifted, most + 1, which="LA", v0=start, tol=1e-8)
    order = np.argsort(-values)
    return 2 - values[order], vectors[:, order]


def _cut(vectors: Floats, seed: int) -> NDArray[np.intp]:
    """Ng, Jordan and Weiss 2002: k-means of the rows, each on the unit sphere."""
    from sklearn.cluster import KMeans

    lengths = np.linalg.norm(vectors, axis=1, keepdims=True)
    rows = vectors / np.where(lengths > 0, lengths, 1)
    return KMeans(vectors.shape[1], n_init=10, random_state=seed).fit_predict(rows)


def _joined(points: Floats, cut: NDArray[np.intp]) -> tuple[NDArray[np.intp], float | None]:
    """Joins pieces without a valley between them, then what was joined, until all have one.

    A cut at the edge of a crowd seems a valley from each of the crowd's pieces, and not from all
    of it.

    Returns:
        Labels, the largest strategy first, and the largest p-value between strategies.
    """
    from scipy.sparse.csgraph import connected_components

    alike = np.zeros((cut.max() + 1, cut.max() + 1), bool)
    for pair, p in _dips(points, cut).items():
        alike[pair] = p >= ALPHA
    labels, left = connected_components(alike, directed=False)[1][cut], None
    while dips := _dips(points, labels):
        kept, gone = max(dips, key=lambda pair: dips[pair])
        if dips[kept, gone] < ALPHA:
            left = dips[kept, gone]
            break
        labels[labels == gone] = kept
    by_size = sorted(np.unique(labels), key=lambda piece: (-(labels == piece).sum(), piece))
    return np.array([by_size.index(label) for label in labels], np.intp), left


def _dips(points: Floats, labels: NDArray[np.intp]) -> dict[tuple[int, int], float]:
    """The p-values between each two pieces."""
    pairs = itertools.combinations(np.unique(labels).tolist(), 2)
    return {pair: _dip(points, labels, *pair) for pair in pairs}


def _dip(points: Floats, labels: NDArray[np.intp], one: int, other: int) -> float:
    """The p-value of the dip along the line between the centres of two pieces."""
    import diptest

    first, second = points[labels == one], points[labels == other]
    along = second.mean(0) - first.mean(0)
    return float(diptest.diptest(np.concatenate([first, second]) @ along)[1])
