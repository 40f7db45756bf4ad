"""The tables of a TensorFlow Lite model, as far as our converter writes them.

Field by field as in tensorflow/compiler/mlir/lite/schema/schema.fbs, version 3. What is None there
exists but must be absent: custom operators, sparse, variable and resizable tensors, buffers beyond
the flatbuffer, intermediate results.
"""

from firmware_py.flatbuffer_check.reader import Field, TableLayout


def _options(name: str, *fields: tuple[str, str]) -> TableLayout:
    return TableLayout(name, [Field(field_name, kind) for field_name, kind in fields])


OPTIONS = {
    1: TableLayout(
        "Conv2DOptions",
        [
            Field("padding", "b"),
            Field("stride_w", "i"),
            Field("stride_h", "i"),
            Field("activation", "b"),
            Field("dilation_w", "i", default=1),
            Field("dilation_h", "i", default=1),
            Field("bias_type", "b"),
        ],
    ),
    5: _options(
        "Pool2DOptions",
        ("padding", "b"),
        ("stride_w", "i"),
        ("stride_h", "i"),
        ("filter_w", "i"),
        ("filter_h", "i"),
        ("activation", "b"),
    ),
    8: _options(
        "FullyConnectedOptions",
        ("activation", "b"),
        ("weights_format", "b"),
        ("keep_num_dims", "?"),
        ("asymmetric", "?"),
        ("bias_type", "b"),
    ),
    9: _options("SoftmaxOptions", ("beta", "f")),
    10: _options("ConcatenationOptions", ("axis", "i"), ("activation", "b")),
    11: _options("AddOptions", ("activation", "b"), ("pot_scale", "?")),
    15: TableLayout("ResizeBilinearOptions", [None, None, Field("align", "?"), Field("half", "?")]),
    17: _options("ReshapeOptions", ("new_shape", "[i]")),
    21: _options("MulOptions", ("activation", "b")),
    27: _options("ReducerOptions", ("keep_dims", "?")),
    28: _options("SubOptions", ("activation", "b"), ("pot_scale", "?")),
    32: _options(
        "StridedSliceOptions",
        ("begin_mask", "i"),
        ("end_mask", "i"),
        ("ellipsis_mask", "i"),
        ("new_axis_mask", "i"),
        ("shrink_axis_mask", "i"),
        ("offset", "?"),
    ),
    35: _options("SplitOptions", ("num_splits", "i")),
    38: _options("DequantizeOptions"),
    42: _options("NegOptions"),
    75: _options("LeakyReluOptions", ("alpha", "f")),
    76: _options("SquaredDifferenceOptions"),
    89: _options("QuantizeOptions"),
}
"""What an operator is told, by the number of its type in the union BuiltinOptions."""

_QUANTIZATION = TableLayout(
    "QuantizationParameters",
    [
        Field("min", "[f]"),
        Field("max", "[f]"),
        Field("scale", "[f]"),
        Field("zero_point", "[q]"),
        None,  # details_type: custom schemes
        None,  # details
        Field("dimension", "i"),
    ],
)
_TENSOR = TableLayout(
    "Tensor",
    [
        Field("shape", "[i]"),
        Field("type", "b"),
        Field("buffer", "I"),
        Field("name", "text"),
        Field("quantization", "table", _QUANTIZATION),
        None,  # is_variable
        None,  # sparsity
        None,  # shape_signature
        Field("has_rank", "?"),
    ],
)
_OPERATOR = TableLayout(
    "Operator",
    [
        Field("opcode_index", "I"),
        Field("inputs", "[i]"),
        Field("outputs", "[i]"),
        Field("options_type", "B"),
        Field("options", "union", choices=OPTIONS),
    ],
)
_SUBGRAPH = TableLayout(
    "SubGraph",
    [
        Field("tensors", "tables", _TENSOR),
        Field("inputs", "[i]"),
        Field("outputs", "[i]"),
        Field("operators", "tables", _OPERATOR),
        Field("name", "text"),
    ],
)
_OPERATOR_CODE = TableLayout(
    "OperatorCode",
    [
        Field("deprecated_code", "b"),
        None,  # custom_code
        Field("version", "i", default=1),
        Field("code", "i"),
    ],
)
_TENSOR_MAP = TableLayout("TensorMap", [Field("name", "text"), Field("tensor", "I")])
_SIGNATURE = TableLayout(
    "SignatureDef",
    [
        Field("inputs", "tables", _TENSOR_MAP),
        Field("outputs", "tables", _TENSOR_MAP),
        Field("key", "text"),
        None,  # deprecated_tag
        Field("subgraph", "I"),
    ],
)
MODEL = TableLayout(
    "Model",
    [
        Field("version", "I"),
        Field("operator_codes", "tables", _OPERATOR_CODE),
        Field("subgraphs", "tables", _SUBGRAPH),
        Field("description", "text"),
        Field("buffers", "tables", TableLayout("Buffer", [Field("data", "bytes")])),
        None,  # metadata_buffer
        Field(
            "metadata",
            "tables",
            TableLayout("Metadata", [Field("name", "text"), Field("buffer", "I")]),
        ),
        Field("signatures", "tables", _SIGNATURE),
    ],
)
