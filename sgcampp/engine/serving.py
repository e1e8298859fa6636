"""Which looks a model can serve, for a run that takes every method there is."""

from collections.abc import Sequence
from typing import Any

import keras

from sgcampp.engine.baselines import Baselines
from sgcampp.engine.ensemble import Ensemble
from sgcampp.errors import UserError
from sgcampp.explain.looks import Look


def refused_looks(
    model: keras.Model,
    input_shape: tuple[int, ...],
    looks: Sequence[Look],
    baselines: Baselines,
    **settings: Any,
) -> dict[Look, str]:
    """The looks that this model can't serve, and why; arguments as of `Ensemble`.

    Only methods that serve some models and not others are tried, each alone.
    """
    refused = {}
    for look in looks:
        if look.method.is_particular:
            try:
                Ensemble(model, input_shape, [look], 1, baselines, **settings)
            except UserError as error:
                refused[look] = str(error)
    return refused
