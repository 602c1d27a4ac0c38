"""Counting multiply-adds in the graph of a file.

A convolution and a matrix product are counted, as the field does. Sums, products of single
numbers, activations, pooling and normalisation are not: they are known and left out. Anything
else is named rather than taken for nothing.
"""

import math
import re

__all__ = ["count_tensorflow", "count_tflite"]


def _words(text):
    return frozenset(text.split())


_FREE_IN_TENSORFLOW = _words(
    """
    Abs Add AddN AddV2 All Any ArgMax AvgPool BatchToSpaceND BiasAdd BroadcastArgs BroadcastTo
    Cast Ceil ClipByValue Concat ConcatV2 Const DepthToSpace Div DivNoNan Elu Equal Erf Erfc Exp
    ExpandDims Expm1 Fill Floor FloorDiv FloorMod FusedBatchNorm FusedBatchNormV2
    FusedBatchNormV3 GatherV2 Greater GreaterEqual Identity IdentityN InvertPermutation L2Loss
    LRN LeakyRelu Less LessEqual Log Log1p LogSoftmax LogicalAnd LogicalNot LogicalOr Max MaxPool
    Maximum Mean Min Minimum MirrorPad Mul MulNoNan Neg NoOp NotEqual OnesLike Pack Pad PadV2
    Placeholder PlaceholderWithDefault Pow Prod Range Rank ReadVariableOp RealDiv Reciprocal Relu
    Relu6 Reshape ResizeBilinear ResizeNearestNeighbor ReverseV2 Rint Round Rsqrt Select SelectV2
    Selu Shape ShapeN Sigmoid Sign Size Slice Snapshot Softmax Softplus Softsign SpaceToBatchND
    SpaceToDepth Split SplitV Sqrt Square SquaredDifference Squeeze StopGradient StridedSlice Sub
    Sum Tanh Tile Transpose Unpack Where ZerosLike
    """
)
_FREE_IN_TFLITE = _words(
    """
    ABS ADD ADD_N ARG_MAX AVERAGE_POOL_2D BATCH_TO_SPACE_ND BROADCAST_ARGS BROADCAST_TO CAST CEIL
    CONCATENATION DEPTH_TO_SPACE DEQUANTIZE DIV ELU EQUAL EXP EXPAND_DIMS FILL FLOOR FLOOR_DIV
    FLOOR_MOD GATHER GELU GREATER GREATER_EQUAL HARD_SWISH L2_NORMALIZATION LEAKY_RELU LESS
    LESS_EQUAL LOCAL_RESPONSE_NORMALIZATION LOG LOGICAL_AND LOGICAL_NOT LOGICAL_OR LOGISTIC
    LOG_SOFTMAX MAXIMUM MAX_POOL_2D MEAN MINIMUM MIRROR_PAD MUL NEG NOT_EQUAL PACK PAD PADV2 POW
    PRELU QUANTIZE RANGE RANK REDUCE_ALL REDUCE_ANY REDUCE_MAX REDUCE_MIN REDUCE_PROD RELU RELU6
    RELU_0_TO_1 RELU_N1_TO_1 RESHAPE RESIZE_BILINEAR RESIZE_NEAREST_NEIGHBOR REVERSE_V2 ROUND
    RSQRT SELECT SELECT_V2 SHAPE SIGN SLICE SOFTMAX SPACE_TO_BATCH_ND SPACE_TO_DEPTH SPLIT SPLIT_V
    SQRT SQUARE SQUARED_DIFFERENCE SQUEEZE STRIDED_SLICE SUB SUM TANH TILE TRANSPOSE UNPACK
    ZEROS_LIKE
    """
)


def count_tensorflow(operations):
    """Multiply-adds of a TensorFlow graph.

    Args:
        operations: A list of `tf.Operation`.

    Returns:
        The number, and the sorted names of the operations that are not counted: those that are
        not known, and those of unknown shapes.
    """
    counts = {}
    for operation in operations:
        if operation.type not in _FREE_IN_TENSORFLOW:
            tensors = *operation.inputs, *operation.outputs
            known = all(tensor.shape.is_fully_defined() for tensor in tensors)
            rule = _TENSORFLOW.get(operation.type) if known else None
            counts.setdefault(operation.type, []).append(rule and rule(operation))
    return _total(counts)


def count_tflite(operations):
    """Multiply-adds of a `.tflite` graph.

    Args:
        operations: A list of `interpreter.Operation`.

    Returns:
        The number, and the sorted names of the operations that are not counted.
    """
    counts = {}
    for operation in operations:
        if operation.name not in _FREE_IN_TFLITE:
            rule = _TFLITE.get(operation.name)
            counts.setdefault(operation.name, []).append(rule and rule(operation))
    return _total(counts)


def _total(counts):
    uncounted = sorted(kind for kind, of_kind in counts.items() if None in of_kind)
    return sum(count or 0 for of_kind in counts.values() for count in of_kind), tuple(uncounted)


def _numbers(tensor):
    return math.prod(tensor.shape)


def _convolution(operation, channels):
    """Every output number takes a multiply-add per weight of its filter.

    `channels` of the filter's axes are the output channels.
    """
    image, kernel = operation.outputs[0], operation.inputs[1]
    return _numbers(image) * _numbers(kernel) // math.prod(kernel.shape[axis] for axis in channels)


def _tensorflow_transposed(operation):
    """Every input number is spread by every weight of its filter."""
    _, kernel, image = operation.inputs
    return _numbers(image) * _numbers(kernel) // kernel.shape[-1]


def _tflite_transposed(operation):
    _, kernel, image = operation.inputs[:3]
    return _numbers(image) * _numbers(kernel) // kernel.shape[-1]


def _tflite_matrix_product(operation):
    """Which of the first one's two sides is summed over is in the operation's options.

    They are not to be seen: it is the one that is not in the output.
    """
    first, product = operation.inputs[0].shape, operation.outputs[0]
    return _numbers(product) * math.prod(first[-2:]) // product.shape[-2]


def _matrix_product(transposed):
    def count(operation):
        first = operation.inputs[0].shape
        inner = first[-2 if operation.get_attr(transposed) else -1]
        return _numbers(operation.outputs[0]) * inner

    return count


def _einsum(operation):
    """One multiply-add per combination of all indices; None where some are left implicit."""
    equation = operation.get_attr("equation").decode()
    terms = re.split(",|->", equation)[:-1]
    if "." in equation or len(terms) != 2:
        return None
    sizes = {}
    for term, tensor in zip(terms, operation.inputs, strict=True):
        sizes.update(zip(term, tensor.shape, strict=True))
    return math.prod(sizes.values())


_TENSORFLOW = {
    "BatchMatMul": _matrix_product("adj_x"),
    "BatchMatMulV2": _matrix_product("adj_x"),
    "BatchMatMulV3": _matrix_product("adj_x"),
    "Conv2D": lambda operation: _convolution(operation, channels=(-1,)),
    "Conv2DBackpropInput": _tensorflow_transposed,
    "Conv3D": lambda operation: _convolution(operation, channels=(-1,)),
    "DepthwiseConv2dNative": lambda operation: _convolution(operation, channels=(-2, -1)),
    "Einsum": _einsum,
    "MatMul": _matrix_product("transpose_a"),
}
_TFLITE = {
    "BATCH_MATMUL": _tflite_matrix_product,
    "CONV_2D": lambda operation: _convolution(operation, channels=(0,)),
    "DEPTHWISE_CONV_2D": lambda operation: _convolution(operation, channels=(-1,)),
    "FULLY_CONNECTED": lambda operation: _convolution(operation, channels=(0,)),
    "TRANSPOSE_CONV": _tflite_transposed,
}
