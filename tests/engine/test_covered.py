"""What DeepLIFT has no rule for is named and refused, and nothing else is asked about."""

import numpy as np
import pytest
import tiny

from sgcampp import Explainer, UserError


def with_middle(make):
    import keras

    image = keras.Input((4, 4, 3))
    x = keras.layers.Conv2D(3, 3, padding="same", name="features")(image)
    x = make(x)
    return keras.Model(image, keras.layers.Dense(2)(keras.layers.Flatten()(x)))


def _softmax(x):
    import keras

    return keras.layers.Softmax(name="peaks")(x)


def _attention(x):
    import keras

    tokens = keras.layers.Reshape((16, 3))(x)
    return keras.layers.Dot((2, 2), name="alike")([tokens, tokens])


def _where(x):
    import keras

    return keras.ops.where(x > 0, x, 2 * x)


def _rows_behind(x):
    import keras

    return keras.ops.transpose(keras.ops.relu(keras.ops.transpose(x, (1, 0, 2, 3))), (1, 0, 2, 3))


def _quotient(x):
    import keras

    return 1.0 / (3.0 + keras.ops.sigmoid(x))


@pytest.mark.parametrize(
    ("middle", "op", "where"),
    [
        (_softmax, "Softmax", "peaks"),
        (_attention, "MatMul", "alike"),
        (_where, "Greater", ""),
        (_rows_behind, "Transpose", ""),
        (_quotient, "RealDiv", ""),
    ],
)
def test_what_no_rule_covers_is_named_and_refused(middle, op, where):
    with pytest.raises(UserError, match=f"no rule for .*{op}.*{where}") as refused:
        Explainer(with_middle(middle), None, "deep_lift")(np.zeros((1, 4, 4, 3), np.float32))
    assert "\n" not in str(refused.value)


def test_what_does_not_lead_to_the_scores_is_not_asked_about():
    """The softmax of the head, and that of another output."""
    import keras

    model = tiny.relu_cnn().model
    features = model.get_layer("features").output
    other = keras.layers.GlobalAveragePooling2D(name="other")(keras.ops.softmax(features))
    both = keras.Model(model.inputs, [model.outputs[0], other])
    name = next(name for name in both.output_names if name != "other")
    got = Explainer(both, None, "deep_lift", output_name=name)(tiny.images(1))
    alone = Explainer(model, None, "deep_lift")(tiny.images(1))
    np.testing.assert_allclose(got.maps, alone.maps, atol=1e-5 * alone.maps.max())
