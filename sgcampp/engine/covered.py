"""Whether DeepLIFT has a rule for all that lies between a model's input and its class scores."""

from collections.abc import Collection

import tensorflow as tf

from sgcampp.engine.deep_lift import MAXIMA, QUADRATIC, UNARY, varies
from sgcampp.engine.graph_reading import SHAPE_ONLY, makers
from sgcampp.errors import UserError

LINEAR = {
    *("Identity", "IdentityN", "StopGradient", "Reshape", "Squeeze", "ExpandDims", "Transpose"),
    *("Pad", "PadV2", "MirrorPad", "ConcatV2", "Pack", "Unpack", "Split", "SplitV", "Slice"),
    *("StridedSlice", "GatherV2", "Tile", "BroadcastTo", "Neg", "Add", "AddV2", "AddN", "Sub"),
    *("BiasAdd", "Sum", "Mean", "AvgPool", "Cast", "ResizeBilinear", "ResizeNearestNeighbor"),
    *("ResizeBicubic", "SpaceToBatchND", "BatchToSpaceND", "SpaceToDepth", "DepthToSpace"),
}
"""Linear in all of their inputs together."""
LINEAR_IN_ONE = {
    *("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "MatMul", "BatchMatMulV2"),
    *("BatchMatMulV3", "Einsum", "FusedBatchNormV3"),
}
"""Linear in an input while the others do not depend on the image."""


def check_covered(scores: tf.Tensor, images: tf.Tensor) -> None:
    """Raises UserError for an op between images and scores that no rule of DeepLIFT covers.

    Args:
        scores: class scores, in a trace.
        images: the model's input, in the same trace.
    """
    leading = makers(scores)
    depends = {images.ref()}
    for op in scores.graph.get_operations():
        at = [i for i, tensor in enumerate(op.inputs) if tensor.ref() in depends]
        if not at or op.type in SHAPE_ONLY:
            continue
        depends.update(tensor.ref() for tensor in op.outputs)
        if op in leading and not _covered(op, at):
            raise UserError(
                f"deep_lift has no rule for {op.type}, which this model computes at {op.name!r}: "
                "choose integrated_gradients, which needs none"
            )


def _covered(op: tf.Operation, at: Collection[int]) -> bool:
    """Whether a rule covers an op whose inputs of these numbers depend on the image."""
    inputs = [op.inputs[i] for i in at]
    if op.type in LINEAR:
        return _keeps_rows(op) and all(t.dtype.is_floating for t in (*inputs, *op.outputs))
    if op.type in LINEAR_IN_ONE:
        return len(inputs) == 1 and not _trains(op)
    if op.type == "RealDiv":
        return list(at) == [0]
    if op.type in UNARY:
        return _of_one_number(op, at)
    return op.type in {*QUADRATIC, *MAXIMA} and all(map(varies, inputs))


def _keeps_rows(op: tf.Operation) -> bool:
    """Whether rows stay in front, where the rules look for them."""
    if op.type != "Transpose":
        return True
    order = tf.get_static_value(op.inputs[1])
    return order is not None and order[0] == 0


def _trains(op: tf.Operation) -> bool:
    return op.type == "FusedBatchNormV3" and op.get_attr("is_training")


def _of_one_number(op: tf.Operation, at: Collection[int]) -> bool:
    """Whether one input varies, and makes outputs one by one."""
    varying = [i for i, tensor in enumerate(op.inputs) if varies(tensor)]
    alone = varying == list(at) and (op.type != "Pow" or varying == [0])
    return alone and op.inputs[varying[0]].shape.as_list() == op.outputs[0].shape.as_list()
