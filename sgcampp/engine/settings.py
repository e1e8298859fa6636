"""What can be asked of the engine; imports no TensorFlow, as run configs are checked without it."""

from sgcampp.errors import UserError, is_whole

PRECISIONS = ("float32", "bfloat16", "float16")
"""What the network may run in, the default first; derivatives are float32 at least."""
AUTO_BATCH_SIZE = 16
"""B for batch_size='auto'; about 10 VGG-16 images are on the CPU's plateau."""
LARGEST_BATCH = 1_000_000


def check_batch_size(batch_size: int | str) -> int:
    """Returns B; UserError unless it is `auto` or a whole number from 1 to 10^6."""
    if batch_size == "auto":
        return AUTO_BATCH_SIZE
    if not is_whole(batch_size) or not 1 <= int(batch_size) <= LARGEST_BATCH:
        raise UserError(
            f"batch_size is {batch_size!r:.50}, accepted: auto or a whole number from 1 to 10^6"
        )
    return int(batch_size)
