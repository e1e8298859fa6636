"""How fast a config explains on this machine, tried on made-up images."""

import time

import numpy as np
from numpy.typing import NDArray

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.ensemble import Ensemble
from sgcampp.engine.settings import check_batch_size
from sgcampp.models.loading import load_model
from sgcampp.run.baselines import read_baselines
from sgcampp.run.serving import served
from sgcampp.run.targets import read_targets

MANY = 10_000
"""Images of the run that is imagined: so many that groups are full and weights are frozen."""
MADE_UP = 4
"""Images, at most, that methods learn from."""


def images_a_second(config: RunConfig, seconds: float = 2.0) -> float:
    """Explains groups of made-up images for so long; reading and writing are not in it.

    Raises:
        UserError: for a model, layer or setting that can't be run.
    """
    rng = np.random.default_rng(0)
    classifier = load_model(config.model, **config.model_settings())
    targets = read_targets(config.target, classifier)

    def made_up(count: int) -> NDArray[np.float32]:
        return rng.random((min(count, MADE_UP), *classifier.input_shape), np.float32)

    ensemble = Ensemble(
        classifier.model,
        classifier.input_shape,
        [asked.look for asked in served(config, classifier, lambda note: None)],
        targets.classes,
        read_baselines(config, classifier).baselines,
        examples=made_up,
        output_name=classifier.output_name,
        frozen=True,
        precision=config.precision,
        jit=config.jit,
    )
    layout = ensemble.lay_out(check_batch_size(config.batch_size), MANY)
    images = rng.random((layout.images, *classifier.input_shape), np.float32)
    codes = np.repeat(np.array([targets.codes], np.int32), layout.images, 0)
    ensemble.run(images, codes, layout)  # the first call also compiles
    begin, groups = time.perf_counter(), 0
    while time.perf_counter() - begin < seconds:
        ensemble.run(images, codes, layout)
        groups += 1
    return groups * layout.images / (time.perf_counter() - begin)
