"""Which looks are worked out on their own, and which of them share what copies of an image."""

from collections.abc import Iterable, Sequence

from sgcampp.explain.looks import Look, Sampling
from sgcampp.explain.method import Needs

USUAL_MAPS = 512
"""Feature maps of a layer, about."""


def plain_looks(looks: Iterable[Look]) -> tuple[Look, ...]:
    """The looks that engines run, each once: of a method of MAPS its factors."""
    return tuple(dict.fromkeys(part for look in looks for part in look.factors() or (look,)))


def by_sampling(looks: Sequence[Look]) -> dict[Sampling, list[Look]]:
    """The looks that stand on gradients, by the copies of an image that they share.

    What looks at the image alone goes along with any noised samples, since the image is the first
    of them. Those come first.
    """
    shared: dict[Sampling, list[Look]] = {}
    for look in looks:
        if look.method.needs not in {Needs.SCORES, Needs.BACKGROUND}:
            shared.setdefault(look.sampling, []).append(look)
    alone = shared.pop(Sampling(), [])
    noised = [s for s in shared if s.rule == "plain" and not s.on_path]
    host = noised[0] if noised else Sampling()
    if alone:
        together = {*shared.get(host, []), *alone}
        shared[host] = [look for look in looks if look in together]
    first = [s for s in (host, *noised) if s in shared]
    return {s: shared[s] for s in dict.fromkeys([*first, *shared])}


def passes_of(looks: Iterable[Look], input_shape: tuple[int, ...]) -> int:
    """Passes an image that looks ask for, about: before the trace tells which can change a map."""
    plain = plain_looks(looks)
    of_copies = sum(sampling.nsamples + 1 for sampling in by_sampling(plain))
    of_backgrounds = sum(look.method.needs is Needs.BACKGROUND for look in plain)
    return of_copies + of_backgrounds + sum(_perturbed(look, input_shape) for look in plain)


def _perturbed(look: Look, input_shape: tuple[int, ...]) -> int:
    """Perturbed images; at a layer whose feature maps are not counted yet, as for USUAL_MAPS."""
    chosen = look.selection.filters
    maps = USUAL_MAPS if chosen is None else len(chosen)
    shape = (*input_shape[:2], maps) if look.method.sees_layer else input_shape
    return look.method.passes(look.perturbing, shape)
