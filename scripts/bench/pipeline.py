"""Images a second of `sgcampp explain` over a directory, over the engine's own.

Both run in this process, in turn: the pipeline with everything written, and the engine alone on
the same prepared inputs in the same groups.
"""

import argparse
import json
import statistics
import tempfile
import time
from pathlib import Path
from typing import Any

from scripts.generated_images import generate_images
from scripts.machine import machine_facts, shown

LAYER = "block15_expand_act"


class Clock:
    """A reporter that notes when the first task was asked for."""

    def note(self, sentence: str) -> None:
        """Nothing."""

    def start(self, summary: Any) -> None:
        """The work begins: the model is loaded and traced."""
        self.begin = time.perf_counter()

    def skip(self) -> None:
        """Nothing."""

    def finish(self, row: Any) -> None:
        """One more image is done."""
        self.end = time.perf_counter()


def pipeline_rate(source: Path, out: Path, options: argparse.Namespace) -> float:
    """Images a second of a run, start-up aside."""
    from sgcampp.config.run_config import RunConfig
    from sgcampp.pipeline import run

    config = RunConfig(
        sources=[str(source)],
        out=str(out),
        nsamples=options.nsamples,
        layer_name=[LAYER],
        batch_size=options.batch_size,
    )
    clock = Clock()
    run(config, clock)
    return options.images / (clock.end - clock.begin)


def engine_rate(source: Path, options: argparse.Namespace) -> float:
    """Images a second of the engine on inputs that are ready."""
    from sgcampp import Explainer, load_model
    from sgcampp.images.decode import read_image
    from sgcampp.images.find import find_images

    classifier = load_model("efficientnet-lite0")
    inputs = classifier.preprocess([read_image(f.place or "").rgb for f in find_images([source])])
    explainer = Explainer(classifier, LAYER, nsamples=options.nsamples, frozen=True)
    ensemble = explainer.ensemble(1, classifier.input_shape)
    layout = ensemble.lay_out(options.batch_size, len(inputs))
    codes = explainer.codes("argmax", layout.images)
    begin = time.perf_counter()
    for at in range(0, len(inputs), layout.images):
        part = inputs[at : at + layout.images]
        ensemble.run(part, codes[: len(part)], layout)
    return len(inputs) / (time.perf_counter() - begin)


def main() -> None:
    """Prints the ratio of the two rates."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--images", type=int, default=200)
    parser.add_argument("--nsamples", type=int, default=8)
    parser.add_argument("--batch-size", type=int, default=16)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    rates = []
    with tempfile.TemporaryDirectory() as directory:
        source = Path(directory, "images")
        generate_images(source, options.images)
        for number in range(options.repeats):
            out = Path(directory, f"out{number}")
            rates.append((pipeline_rate(source, out, options), engine_rate(source, options)))
    ratios = sorted(a / b for a, b in rates)
    result = {
        **vars(options),
        "images_per_second": statistics.median(a for a, _ in rates),
        "engine_images_per_second": statistics.median(b for _, b in rates),
        "ratio": statistics.median(ratios),
        "ratios": [round(ratio, 3) for ratio in ratios],
    }
    if options.json:
        print(json.dumps({**result, "machine": machine_facts()}))
        return
    print(f"# {shown(machine_facts())}")
    print(
        "{images} photographs, n={nsamples}, B={batch_size}: {images_per_second:.2f} images/s of "
        "{engine_images_per_second:.2f} by the engine alone, {ratio:.3f} {ratios}".format(**result)
    )


if __name__ == "__main__":
    main()
