"""Sentences about what a run's settings and numbers leave in doubt."""

from collections.abc import Iterator
from typing import TYPE_CHECKING

from sgcampp.explain.looks import SMOOTHING
from sgcampp.tree.tally import Tally

if TYPE_CHECKING:
    from sgcampp.config.run_config import RunConfig
    from sgcampp.engine.ensemble import Ensemble


def why_unsmoothed(ensemble: "Ensemble") -> Iterator[str]:
    """About methods and layers that the noise asked for cannot reach."""
    looks = ensemble.looks
    asked = any(look.nsamples and not look.method.on_path for look in looks)
    if asked and not any(look.method.smooth for look in looks):
        names = dict.fromkeys(look.method.name for look in looks)
        yield f"nsamples has no effect on {', '.join(names)}: it takes the clean image alone"
    averaging = (ensemble.seen[look] for look in looks if look.averages)
    for layer in dict.fromkeys(seen.layer for seen in averaging if not seen.copies):
        yield (
            f"the class scores are affine in layer {layer!r}, so noise cannot change the maps "
            "there: one pass an image gives the same as many; choose an earlier layer to see "
            "smoothing act"
        )


def why_approximate(ensemble: "Ensemble") -> Iterator[str]:
    """About layers where the paper's 2nd and 3rd derivatives are not the derivatives."""
    last_factors = {look: (look.factors() or (look,))[-1] for look in ensemble.looks}
    bends = {
        ensemble.seen[look].layer: ensemble.seen[look].bend
        for look, factor in last_factors.items()
        if factor.method.of_exp and not factor.exact
    }
    layers = [layer for layer, bend in bends.items() if bend]
    if layers:
        names = ", ".join(map(repr, layers))
        yield (
            f"the class scores are not piecewise linear in layer {names} ({bends[layers[0]]}), so "
            "the paper's 2nd and 3rd derivatives are approximations there: --derivatives exact "
            "takes the true ones, where the layer is small"
        )


def why_no_errors(ensemble: "Ensemble", config: "RunConfig") -> Iterator[str]:
    """About standard errors that are asked for where no map has one."""
    asked = sorted({"errors", "error_heatmaps"}.intersection(config.write), reverse=True)
    asked += ["fade_uncertain"] * config.fade_uncertain
    if asked and not any(ensemble.seen[look].groups for look in ensemble.looks):
        yield (
            f"{' and '.join(asked)} can show nothing, since no map has a standard error "
            "(`no_error` in the manifest tells why): it takes a smooth method, a layer where noise "
            "acts and nsamples of at least 4"
        )


def last_words(ensemble: "Ensemble") -> str:
    """What the last line of a run adds: the layer that SMOOTHING stood for, what else to type."""
    seen = ensemble.seen
    found = [seen[look].layer for look in ensemble.looks if look.where.layer_name == SMOOTHING]
    words = [f"layer smoothing is {found[0]!r}"] if found else []
    smooth = [look for look in ensemble.looks if look.method.smooth and not look.method.on_path]
    still = [look for look in smooth if not seen[look].copies]
    # Some without samples beside others with them are meant so.
    pointless = [look for look in still if look.nsamples] or (still if still == smooth else [])
    flags = ["--nsamples 25"] * any(not look.nsamples for look in pointless)
    affine = any(seen[look].affine and look.method.at_layer for look in pointless)
    flags += ["--layer-name smoothing"] * affine
    if flags:
        layers = ", ".join(dict.fromkeys(seen[look].layer for look in pointless))
        words.append(
            f"nothing is smoothed at {layers}: type {' '.join(flags)}, with an OUT of its own, to "
            "see smoothing act"
        )
    return "".join(f"; {each}" for each in words)


def doubts(tally: Tally) -> Iterator[str]:
    """About the maps that a run made."""
    if tally.poorly_sampled:
        yield (
            f"few effective samples in {tally.poorly_sampled} of {tally.maps} maps: their "
            "noised samples were worth less than half their number, since e^S lets a few outweigh "
            "the rest (`ess` in the manifest); use more samples, less noise, or score=logit"
        )
    if tally.unsure:
        yield (
            f"{tally.unsure} of {tally.maps} maps missed the tolerance with all nsamples "
            "(`relative_se` in the manifest): raise nsamples or the tolerance"
        )
    if tally.flat:
        yield f"{tally.flat} of {tally.maps} maps are all zeros: `reason` in the manifest tells"
    if tally.incomplete:
        yield (
            f"attributions miss the rise of the score by more than 5 % in {tally.incomplete} maps "
            "(`completeness` in the manifest): use more ig_steps, or ig_tolerance=0.01"
        )
