"""What a run looks at: all that was asked for, or of all methods those that the model can serve."""

from collections.abc import Callable

from sgcampp.config.run_config import Asked, RunConfig
from sgcampp.engine.baselines import Baselines
from sgcampp.engine.serving import refused_looks
from sgcampp.errors import UserError
from sgcampp.explain.methods import METHODS, Needs
from sgcampp.models.classifier import Classifier


def served(config: RunConfig, classifier: Classifier, note: Callable[[str], None]) -> list[Asked]:
    """The looks of a run.

    Args:
        config: of the run.
        classifier: the model.
        note: is told what is left out of `method: all`, and why.
    """
    if not config.takes_all:
        return config.looks
    looks = [asked.look for asked in config.looks]
    refused = refused_looks(
        classifier.model,
        classifier.input_shape,
        looks,
        Baselines(classifier.black),
        output_name=classifier.output_name,
    )
    sentences = [f"{look.method.name} is left out: {why}" for look, why in refused.items()]
    for sentence in dict.fromkeys([*_missing(), *sentences]):
        note(sentence)
    return [asked for asked in config.looks if asked.look not in refused]


def _missing() -> list[str]:
    """About methods whose packages are not installed, or that need more than a model."""
    sentences = []
    for name, method in METHODS.items():
        if method.needs is Needs.BACKGROUND:
            sentences.append(f"{name} is left out: `sgcampp scan` runs it, against ordinary images")
        try:
            method.check_installed()
        except UserError as error:
            sentences.append(f"{name} is left out: {error}")
    return sentences
