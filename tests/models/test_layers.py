import gc

import keras
import numpy as np
import pytest
import tensorflow as tf
from keras import layers as kl

from sgcampp.errors import UserError
from sgcampp.models.layers import default_layer, list_layers, resolve_layer, watched_layers
from sgcampp.models.loading import load_model


def backbone(name="backbone"):
    return keras.Sequential(
        [keras.Input((16, 16, 3)), kl.Conv2D(4, 3, name="a.conv"), kl.ReLU(name="relu")], name=name
    )


def nested():
    image = keras.Input((16, 16, 3))
    features = backbone()(image)
    x = kl.Flatten(name="flat")(features)
    return keras.Model(image, kl.Dense(5, activation="softmax", name="dense")(x))


def skipping():
    image = keras.Input((16, 16, 3))
    x = kl.Conv2D(3, 3, padding="same", name="conv")(image)
    x = kl.GlobalAveragePooling2D(name="pool")(keras.ops.relu(x + image))
    return keras.Model(image, kl.Dense(5, name="dense")(x))


class Repeated(keras.Model):
    def __init__(self):
        super().__init__()
        self.convs = [kl.Conv2D(4, 3, name=f"conv{i}") for i in range(2)]
        self.act = kl.ReLU(name="act")
        self.pool = kl.GlobalMaxPooling2D(name="pool")

    def call(self, x):
        for conv in self.convs:
            x = self.act(conv(x))
        return self.pool(x)


def mlp():
    return keras.Sequential(
        [keras.Input((4, 4, 3)), kl.Rescaling(1 / 255), kl.Flatten(), kl.Dense(3)]
    )


def built(model, shape=(16, 16, 3)):
    model(np.zeros((1, *shape), np.float32))
    return model


def traced(model):
    x = tf.TensorSpec([None, 16, 16, 3])
    with watched_layers(model) as records:
        tf.function(lambda x: model(x, training=False)).get_concrete_function(x)
    return records


def addresses(model, shape=(16, 16, 3)):
    return [info.address for info in list_layers(model, shape)]


def leftovers(model):
    return [layer.name for layer in model._flatten_layers() if "call" in vars(layer)]


def test_nested_layers_are_addressed_by_path():
    model = nested()
    infos = list_layers(model, (16, 16, 3))
    assert [i.address for i in infos] == ["backbone/a.conv", "backbone/relu", "backbone"]
    assert [i.default for i in infos] == [False, True, False]
    assert [i.shape for i in infos] == [(14, 14, 4)] * 3
    assert infos[0].type == "Conv2D"
    records = traced(model)
    assert (
        resolve_layer(records, "backbone/relu").tensor is resolve_layer(records, "backbone").tensor
    )
    assert resolve_layer(records, "a.conv").address == "backbone/a.conv"
    assert default_layer(records).address == "backbone/relu"


def test_operations_of_a_functional_model_are_seen():
    infos = list_layers(skipping(), (16, 16, 3))
    assert [info.type for info in infos] == ["Conv2D", "Add", "Relu"]
    assert infos[-1].default


def test_a_layer_called_twice_appears_twice():
    model = built(Repeated())
    assert addresses(model) == ["conv0", "act#1", "conv1", "act#2"]
    records = traced(model)
    assert default_layer(records).address == "act#2"
    assert resolve_layer(records, "act#1").shape == (14, 14, 4)
    with pytest.raises(UserError, match="ambiguous, choose one of act#1, act#2"):
        resolve_layer(records, "act")


def test_the_same_layer_name_in_two_backbones_is_ambiguous():
    image = keras.Input((16, 16, 3))
    x = kl.Add(name="sum")([backbone("left")(image), backbone("right")(image)])
    model = keras.Model(image, kl.GlobalAveragePooling2D()(x))
    infos = list_layers(model, (16, 16, 3))
    with pytest.raises(UserError, match="choose one of left/relu, right/relu"):
        resolve_layer(infos, "relu")
    assert resolve_layer(infos, "right/relu").address == "right/relu"


def test_unknown_and_unusable_layers():
    records = traced(nested())
    with pytest.raises(UserError, match="no layer 'rellu'; did you mean 'relu'"):
        resolve_layer(records, "rellu")
    with pytest.raises(UserError, match=r"'dense' has an output \[5\]"):
        resolve_layer(records, "dense")


def test_an_mlp_has_no_default_layer():
    records_model = mlp()
    assert not any(info.default for info in list_layers(records_model, (4, 4, 3)))
    with pytest.raises(UserError, match=r"no layer with a \[h, w, K\] output"):
        default_layer([])
    with pytest.raises(UserError, match=r"no layer with a \[h, w, K\] output"):
        load_model(records_model).default_layer  # noqa: B018


def test_a_one_by_one_layer_is_never_the_default_but_may_be_named():
    image = keras.Input((16, 16, 3))
    x = kl.Conv2D(4, 3, name="conv")(image)
    x = kl.GlobalAveragePooling2D(keepdims=True)(x)
    x = kl.Conv2D(5, 1, name="classes")(x)
    model = keras.Model(image, kl.Flatten()(x))
    assert default_layer(traced(model)).address == "conv"
    assert resolve_layer(traced(model), "classes").shape == (1, 1, 5)


def test_open_sizes_are_none():
    model = keras.Sequential(
        [keras.Input((None, None, 3)), kl.Conv2D(4, 3, name="conv"), kl.GlobalMaxPooling2D()]
    )
    assert list_layers(model, (None, None, 3))[0].shape == (None, None, 4)
    assert list_layers(model, (9, 9, 3))[0].shape == (7, 7, 4)


def test_what_is_inside_attention_is_not_mistaken_for_feature_maps():
    image = keras.Input((16, 16, 3))
    x = kl.Conv2D(8, 4, 4, name="patches")(image)
    x = kl.Reshape((16, 8))(x)
    x = kl.MultiHeadAttention(2, 4, name="attention")(x, x)
    model = keras.Model(image, kl.GlobalAveragePooling1D()(x))
    assert default_layer(traced(model)).address == "patches"
    infos = list_layers(model, (16, 16, 3))
    assert [info.type for info in infos] == ["Conv2D", "Reshape", "MultiHeadAttention"]
    assert [info.shape for info in infos] == [(4, 4, 8)] * 3


def test_the_models_are_left_as_they_were_even_after_an_error():
    class Broken(kl.Layer):
        def call(self, x):
            if not isinstance(x, keras.KerasTensor) and self.broken:
                raise RuntimeError("broken")
            return x

    layer = Broken()
    layer.broken = False
    model = keras.Sequential([keras.Input((16, 16, 3)), kl.Conv2D(2, 3), layer])
    image = np.random.default_rng(0).normal(size=(2, 16, 16, 3)).astype(np.float32)
    before = model(image).numpy()
    list_layers(model, (16, 16, 3))
    assert leftovers(model) == []
    np.testing.assert_array_equal(model(image), before)
    layer.broken = True
    with pytest.raises(Exception, match="broken"):
        list_layers(model, (16, 16, 3))
    assert leftovers(model) == []
    layer.broken = False
    np.testing.assert_array_equal(model(image), before)


def test_a_call_that_the_user_put_on_the_instance_comes_back():
    model = nested()
    dense = model.get_layer("dense")
    own = dense.call
    object.__setattr__(dense, "call", own)
    list_layers(model, (16, 16, 3))
    assert vars(dense)["call"] is own


def test_tracing_leaves_no_memory_behind():
    model = nested()
    list_layers(model, (16, 16, 3))
    gc.collect()
    graphs = sum(isinstance(o, tf.Graph) for o in gc.get_objects())
    for _ in range(3):
        list_layers(model, (16, 16, 3))
    gc.collect()
    assert sum(isinstance(o, tf.Graph) for o in gc.get_objects()) <= graphs


@pytest.mark.parametrize(
    ("name", "layer"),
    [
        ("vgg16", "block5_conv3"),
        ("resnet50", "conv5_block3_out"),
        ("densenet121", "relu"),
        ("mobilenetv2", "out_relu"),
        ("efficientnetb0", "top_activation"),
    ],
)
def test_default_layers_of_well_known_networks(name, layer):
    assert load_model(name, "none").default_layer == layer
