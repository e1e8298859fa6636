"""What a traced graph tells before anything is run: what depends on what, and in which way."""

import tensorflow as tf

SHAPE_ONLY = {"Shape", "ShapeN", "Size", "Rank", "ZerosLike", "OnesLike", "BroadcastGradientArgs"}

STEPS = {
    *("Greater", "GreaterEqual", "Less", "LessEqual", "Equal", "NotEqual", "ArgMax", "ArgMin"),
    *("Sign", "Floor", "Ceil", "Round", "Rint", "StopGradient"),
}
"""Their results are constant piece by piece (or pass no gradient): nothing bends behind them."""
PIECEWISE_LINEAR = {
    *("Relu", "Relu6", "LeakyRelu", "Abs", "Neg", "Max", "Min", "Maximum", "Minimum"),
    *("MaxPool", "MaxPoolV2", "MaxPool3D", "AvgPool", "AvgPool3D", "Mean", "Sum", "Cumsum"),
    *("Add", "AddV2", "AddN", "Sub", "BiasAdd", "BiasAddV1", "ClipByValue", "TopKV2"),
    *("Identity", "IdentityN", "Cast", "CheckNumerics", "EnsureShape", "PreventGradient"),
    *("Reshape", "Squeeze", "ExpandDims", "Transpose", "ReverseV2", "Roll", "MatrixDiagPartV3"),
    *("Pad", "PadV2", "MirrorPad", "ConcatV2", "Pack", "Unpack", "Split", "SplitV", "Tile"),
    *("Slice", "StridedSlice", "Gather", "GatherV2", "GatherNd", "BroadcastTo"),
    *("Select", "SelectV2", "SpaceToDepth", "DepthToSpace", "SpaceToBatchND", "BatchToSpaceND"),
    *("ResizeBilinear", "ResizeNearestNeighbor", "ResizeBicubic", "ResizeArea"),
    *("UnsortedSegmentSum", "SegmentSum", "ScaleAndTranslate"),
}
PRODUCTS = {
    *("Mul", "MulNoNan", "MatMul", "BatchMatMul", "BatchMatMulV2", "BatchMatMulV3", "Einsum"),
    *("Conv2D", "DepthwiseConv2dNative", "Conv2DBackpropInput", "Conv3D", "Conv"),
}
"""Linear in one of their inputs, while the others stay."""
QUOTIENTS = {"RealDiv", "Div", "DivNoNan"}


def moved_by(source: tf.Tensor) -> set[tf.Operation]:
    """The operations whose results can change with the values of `source`, shapes aside.

    A gradient dS/dA that is not moved by the images is the same for every noised sample: the head
    after the layer is affine.
    """
    moved = {source.op}
    # Operations stand in the order in which they were made, so inputs come before what they feed.
    for op in source.graph.get_operations():
        if op.type not in SHAPE_ONLY and any(tensor.op in moved for tensor in op.inputs):
            moved.add(op)
    return moved


def first_bend(S: tf.Tensor, A: tf.Tensor) -> str | None:
    """The first operation between a layer and the class score that is not piecewise linear.

    S is then not locally linear in A, and has 2nd and 3rd derivatives of its own. An operation of
    a kind that is not known here counts as one.

    Args:
        S: class scores.
        A: the layer's activations, in the same graph.

    Returns:
        Its kind and name, as "Tanh in 'dense/Tanh'"; None if all of them are piecewise linear.
    """
    between = makers(S)
    moving = {A.ref()}
    for op in S.graph.get_operations():
        if op not in between or op.type in STEPS | SHAPE_ONLY:
            continue
        moves = [tensor.ref() in moving for tensor in op.inputs]
        if not any(moves):
            continue
        if not _is_piecewise_linear(op, moves):
            kind = "a product of activations" if op.type in PRODUCTS else op.type
            return f"{kind} in {op.name!r}"
        moving.update(tensor.ref() for tensor in op.outputs)
    return None


def makers(result: tf.Tensor) -> set[tf.Operation]:
    """The operations that a result is made by, and of."""
    makers: set[tf.Operation] = set()
    waiting = [result.op]
    while waiting:
        op = waiting.pop()
        if op not in makers:
            makers.add(op)
            waiting.extend(tensor.op for tensor in op.inputs)
    return makers


def _is_piecewise_linear(op: tf.Operation, moves: list[bool]) -> bool:
    """Whether an operation is piecewise linear in those of its inputs that move together."""
    if op.type in PRODUCTS:
        return sum(moves) == 1
    if op.type in QUOTIENTS:
        return not moves[1]
    if op.type.startswith("FusedBatchNorm"):
        return not op.get_attr("is_training") and not any(moves[1:])
    return op.type in PIECEWISE_LINEAR
