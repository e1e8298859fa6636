"""What a model takes and what it gives: its image input, and the output that scores classes."""

from typing import Any

import keras

from sgcampp.errors import UserError, nearest


def input_shape(model: keras.Model) -> tuple[int | None, int | None, int]:
    """(H, W, C) of the model's only image input, None where it takes any size.

    Raises:
        UserError: if the model has several inputs, has not been built, or its input is not an
            image [H, W, 1 or 3].
    """
    shapes = _input_shapes(model)
    if len(shapes) > 1:
        raise UserError(
            f"model {model.name!r} has {len(shapes)} inputs, only models with one "
            "image input can be explained"
        )
    shape = tuple(shapes[0])[1:]
    if len(shape) != 3 or shape[2] not in {1, 3}:
        text = ", ".join("?" if size is None else str(size) for size in shape)
        raise UserError(
            f"model {model.name!r} has the input [{text}], it must be "
            "[H, W, 1 or 3]: an image, channels last"
        )
    return shape


def _input_shapes(model: Any) -> list[Any]:
    if not model.built:
        raise UserError(f"model {model.name!r} has no weights yet, call it on an image first")
    inputs = getattr(model, "inputs", None)
    if inputs:
        return [tensor.shape for tensor in inputs]
    built_on = list((model.get_build_config() or {}).values())
    shapes = [shape for shape in built_on if shape is not None]
    if len(shapes) == 1 and isinstance(shapes[0], dict):
        shapes = list(shapes[0].values())
    # A subclassed model that was built by hand does not tell its shape.
    return shapes or [(None, None, None, 3)]


def class_count(model: keras.Model, shape: tuple[int | None, ...], output_name: str | None) -> int:
    """Number of classes that the chosen output scores; a single sigmoid unit scores two.

    Args:
        model: a built model.
        shape: (H, W, C) of its input.
        output_name: which output, where the model has several.

    Raises:
        UserError: if `output_name` is missing or unknown, or the output is neither [N, classes] nor
            [N, 1, 1, classes].
    """
    outputs = model.compute_output_spec(keras.KerasTensor((None, *shape)))
    scores = tuple(pick_output(model, outputs, output_name).shape)
    if len(scores) == 4 and scores[1:3] == (1, 1):  # a fully convolutional head
        scores = scores[::3]
    if len(scores) != 2 or not scores[1]:
        text = ", ".join("?" if size is None else str(size) for size in scores[1:])
        raise UserError(
            f"model {model.name!r} gives [{text}] for an image, a classifier gives "
            "one score for each class"
        )
    return max(2, scores[1])


def pick_output(model: keras.Model, outputs: Any, name: str | None) -> Any:
    """The output that scores classes, out of what calling the model returned.

    Args:
        model: the model that was called.
        outputs: a tensor, or a list, tuple or dict of them.
        name: key of the dict, or name of the output layer; of unnamed outputs their number,
            from '0'. None where there is only one.

    Raises:
        UserError: if `name` is missing or unknown.
    """
    named = _named_outputs(model, outputs)
    if name is None and len(named) == 1:
        return next(iter(named.values()))
    if name in named:
        return named[name]
    if name is None:
        raise UserError(
            f"model {model.name!r} has {len(named)} outputs, choose one with "
            f"output_name: {', '.join(named)}"
        )
    raise UserError(
        f"model {model.name!r} has no output {name!r}{nearest(name, named)} "
        f"(it has {', '.join(named)})"
    )


def _named_outputs(model: Any, outputs: Any) -> dict[str, Any]:
    if isinstance(outputs, dict):
        return {str(key): tensor for key, tensor in outputs.items()}
    tensors = list(outputs) if isinstance(outputs, (list, tuple)) else [outputs]
    names = getattr(model, "output_names", None) or []
    if len(set(names)) != len(tensors):
        names = [str(number) for number in range(len(tensors))]
    return dict(zip(names, tensors, strict=True))
