import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tiny


@pytest.fixture(scope="session")
def lite0():
    import sgcampp

    return sgcampp.load_model("efficientnet-lite0")


@pytest.fixture(scope="session")
def photographs():
    """Real photographs that scikit-image ships, by name, uint8 RGB."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        from skimage import data

        return {
            name: np.ascontiguousarray(getattr(data, name)())
            for name in ("chelsea", "coffee", "rocket", "astronaut")
        }


@pytest.fixture(scope="session")
def twin():
    """A tiny float32 CNN and its NumPy twin."""
    return tiny.relu_cnn()


@pytest.fixture(scope="session")
def twin64():
    """The same in float64, where the engine must agree to rounding."""
    return tiny.relu_cnn(dtype="float64")
