"""The maps of explanations as an evaluation takes them, and how to make them again."""

from collections import Counter
from collections.abc import Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from sgcampp.api.explainer import Explainer
from sgcampp.api.explanation import Explanation
from sgcampp.errors import UserError
from sgcampp.evaluation.explaining_again import Recipe
from sgcampp.evaluation.reference_maps import PLAIN
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.explain.classes import NO_CLASS
from sgcampp.metrics.metric import Floats
from sgcampp.models.classifier import Classifier

OwnMap = tuple[EvaluationRow, Floats]


def own_maps(explanations: Sequence[Explanation], n: int) -> Iterator[OwnMap]:
    """The rows and maps of the n-th image."""
    for each, across in zip(explanations, _across(explanations), strict=True):
        maps = each.maps[n].reshape(-1, *each.maps.shape[-2:])
        for t, class_idx in enumerate(np.atleast_1d(each.class_idx[n])):
            row = EvaluationRow(
                key=f"{n}",
                method=each.method,
                layer=each.layer_name,
                across=across,
                class_idx=int(class_idx),
                target=t,
                flat=not maps[t].any(),
                identical=each.affine_head and each.method in PLAIN,
            )
            yield row, maps[t].astype(np.float64)


def _across(explanations: Sequence[Explanation]) -> list[dict[str, int] | None]:
    """What tells each one from others by the same method at the same layer."""
    names = Counter((each.method, each.layer_name) for each in explanations)
    return [
        None if names[each.method, each.layer_name] == 1 else {"nsamples": each.nsamples}
        for each in explanations
    ]


def recipe_of(
    classifier: Classifier,
    explainer: Explainer,
    explanations: Sequence[Explanation],
    own: Sequence[list[OwnMap]],
) -> Recipe:
    """How the explanations were made; UserError if not by that Explainer."""
    made = [(each.method, each.layer_name) for each in explanations]
    codes = codes_of(explanations[0], 0)
    seen = explainer.ensemble(len(codes), classifier.input_shape).seen
    asked = [(look.method.name, seen[look].layer) for look in explainer.looks]
    if explainer.model is not classifier.model or made != asked:
        raise UserError(
            "explainer did not make these explanations, accepted: the one of this classifier whose "
            "`each` gave all of them, in its order"
        )
    across = [settings or {} for settings in _across(explanations)]
    return Recipe(
        list(zip(explainer.looks, across, strict=True)),
        Counter(row.series for maps in own for row, _ in maps),
        len(codes),
        explainer.batch_size,
        explainer.baselines(classifier.input_shape[-1]),
        explainer.settings,
        lambda count: explainer.examples[:count],
    )


def codes_of(explanation: Explanation, n: int) -> NDArray[np.int32]:
    """The class codes of the n-th image, int32 [T, 2]."""
    of, against = (
        np.atleast_1d(idx[n]) for idx in (explanation.class_idx, explanation.against_idx)
    )
    return np.stack([of, np.where(against < 0, NO_CLASS, against)], -1).astype(np.int32)
