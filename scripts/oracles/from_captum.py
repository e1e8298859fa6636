"""The largest change of a map under fixed noise by captum.

In an environment of its own (pip install torch==2.13.0 captum==0.9.0), from the repository's
root: python scripts/oracles/from_captum.py > tests/metrics/oracles/captum.json
"""
# mypy: disable-error-code="import-not-found"

from typing import Any

import inputs
import torch
from captum.metrics import sensitivity_max


def main() -> None:
    """Prints the values."""
    patterns = torch.from_numpy(inputs.patterns())
    found = []
    for image, c in zip(inputs.images(), inputs.classes(), strict=True):

        def explain(pixels: Any, c: int = c) -> Any:
            # captum takes a tensor in place of a tuple apart into its images.
            if isinstance(pixels, tuple):
                return tuple(explain(one) for one in pixels)
            return torch.from_numpy(inputs.explain(pixels.numpy(), c))

        value = sensitivity_max(
            explain,
            torch.from_numpy(image)[None],
            perturb_func=lambda pixels: pixels + patterns,
            n_perturb_samples=len(patterns),
        )
        found.append(float(value))
    inputs.write("captum", {"max_sensitivity": found})


if __name__ == "__main__":
    main()
