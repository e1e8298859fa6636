"""The precision and the compiler that the network runs with; derivatives are summed in float32."""

from collections.abc import Iterator
from contextlib import contextmanager

import tensorflow as tf

from sgcampp.engine.settings import PRECISIONS
from sgcampp.errors import UserError

_REWRITERS = {
    "bfloat16": "auto_mixed_precision_onednn_bfloat16",
    "float16": "auto_mixed_precision",
}


def check_precision(precision: str) -> None:
    """Raises UserError for a precision that the first device can't run."""
    if precision not in PRECISIONS:
        raise UserError(f"precision is {precision!r}, accepted: {', '.join(PRECISIONS)}")
    on_gpu = bool(tf.config.list_physical_devices("GPU"))
    if precision == "float16" and not on_gpu:
        raise UserError("precision float16 needs a GPU; on this CPU take bfloat16 or float32")
    if precision == "bfloat16" and on_gpu:
        raise UserError("precision bfloat16 is for CPUs; on this GPU take float16 or float32")


@contextmanager
def running_in(precision: str) -> Iterator[None]:
    """Runs traced functions that are called inside the block with a lower precision.

    TensorFlow's graph rewriter puts convolutions and matrix products, forward and backward, into
    that precision, and leaves sums, exponentials and what follows them in float32. The option is
    global but takes effect call by call, so other functions and later calls are not touched.
    """
    if precision == "float32":
        yield
        return
    option = _REWRITERS[precision]
    before = tf.config.optimizer.get_experimental_options().get(option, False)
    tf.config.optimizer.set_experimental_options({option: True})
    try:
        yield
    finally:
        tf.config.optimizer.set_experimental_options({option: before})
