"""Whether a planted watermark becomes a strategy of its own, and none is told where there is none.

    python -m scripts.figures.watermarks [--seeds 20]

Makes the pictures of examples/watermark.py with and without stamps, trains, and explains those held
back that the network takes for threes. A line a seed: the strategies with and without stamps; of
the one with the most stamps the share of its images that carry one, its share of all stamps, and
what is said of it. Then how many seeds are as they should be.
"""

import argparse
import importlib.util
from pathlib import Path
from typing import Any

import numpy as np

import sgcampp
from sgcampp.strategies.findings import Finding, find_strategies, sentence
from sgcampp.strategies.maps import Group, GroupMaps, Member

EXAMPLE = Path(__file__).parents[2] / "examples" / "watermark.py"
PURE = 0.9


def main() -> None:
    """Prints the lines."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--seeds", type=int, default=20)
    example = _example()
    found = sum(_seed_is_as_it_should(example, seed) for seed in range(parser.parse_args().seeds))
    print(f"as it should be: {found} seeds")


def _example() -> Any:
    spec = importlib.util.spec_from_file_location("watermark", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def _seed_is_as_it_should(example: Any, seed: int) -> bool:
    finding, tags = _finding(example, seed, tagged=True)
    twin, _ = _finding(example, seed, tagged=False)
    stamped = [np.array([tags[int(key)] for key in one.members]) for one in finding.strategies]
    at = int(np.argmax([one.mean() for one in stamped]))
    purity, recall = stamped[at].mean(), stamped[at].sum() / max(1, sum(map(np.sum, stamped)))
    said = sentence(finding.strategies[at])
    print(
        f"seed {seed}: {len(finding.strategies)} strategies with stamps, {len(twin.strategies)} "
        f"without; purity {purity:.2f}, recall {recall:.2f}: {said}",
        flush=True,
    )
    right = len(finding.strategies) > 1 and purity >= PURE and "bottom right corner" in said
    return right and len(twin.strategies) == 1


def _finding(example: Any, seed: int, tagged: bool) -> tuple[Finding, np.ndarray]:
    """What is found in the pictures that are taken for threes, and which pictures carry a stamp."""
    x, digits, tags = example.pictures(seed, tagged)
    back = example.held_back(seed, len(x))
    model = example.trained(x[~back], digits[~back], seed)
    explainer = sgcampp.Explainer(model, "features", nsamples=8, batch_size=32)
    numbers = np.flatnonzero(back)
    explained = explainer(x[numbers].astype(np.float32))
    taken = np.flatnonzero(explained.class_idx == example.TAGGED_DIGIT)
    heat = explained.maps[taken].astype(np.float64)
    keep = heat.any((1, 2))
    heat = heat[keep] / heat[keep].sum((1, 2), keepdims=True)
    members = [Member(str(number), None, None) for number in numbers[taken][keep]]
    group = Group("smooth_grad_cam_pp", "features", "{}", (), "three", example.TAGGED_DIGIT)
    return find_strategies(GroupMaps(group, members, heat, int((~keep).sum()))), tags


if __name__ == "__main__":
    main()
