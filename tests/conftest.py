import gc
import os
import warnings

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import pytest
import tiny

gc.freeze()  # What is imported stays, and need not be looked through again and again.


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


@pytest.fixture(scope="session")
def s3_server():
    """S3 on this machine, behind a proxy: (URL of the server itself, the proxy's faults)."""
    import object_storage

    url, stop = object_storage.start_server()
    faults = object_storage.Faults()
    with object_storage.proxy_to(url, faults) as proxy, pytest.MonkeyPatch.context() as patch:
        patch.setenv("AWS_ENDPOINT_URL", proxy)
        patch.setenv("AWS_ACCESS_KEY_ID", "testing")
        patch.setenv("AWS_SECRET_ACCESS_KEY", "testing")
        patch.setenv("AWS_DEFAULT_REGION", "us-east-1")
        patch.setattr("sgcampp.storage.asking.FIRST_WAIT", 0.01)
        patch.setattr("s3fs.S3FileSystem.retries", 1)  # ours are held, not theirs
        patch.setenv("AWS_MAX_ATTEMPTS", "1")
        yield url, faults
    stop()


@pytest.fixture
def s3_faults(s3_server):
    """What the proxy before S3 does; nothing to begin with."""
    yield s3_server[1]
    s3_server[1].clear()


@pytest.fixture
def bucket(s3_server):
    """The name of a new bucket."""
    import object_storage

    return object_storage.bucket_at(s3_server[0])
