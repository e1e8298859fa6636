"""Sentences about what a run's settings and numbers leave in doubt."""

from collections.abc import Iterator

from sgcampp.engine.ensemble import Ensemble
from sgcampp.tree.tally import Tally


def why_unsmoothed(ensemble: Ensemble) -> Iterator[str]:
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


def doubts(tally: Tally) -> Iterator[str]:
    """About the maps that a run made."""
    if tally.poorly_sampled:
        yield (
            f"few effective samples in {tally.poorly_sampled} of {tally.maps} maps: their "
            "noised samples were worth less than half their number, since e^S lets a few outweigh "
            "the rest (`ess` in the manifest); use more samples, less noise, or score=logit"
        )
    if tally.flat:
        yield f"{tally.flat} of {tally.maps} maps are all zeros: `reason` in the manifest tells"
    if tally.incomplete:
        yield (
            f"integrated gradients miss the rise of the score by more than 5 % in "
            f"{tally.incomplete} maps (`completeness` in the manifest): use more ig_steps"
        )
