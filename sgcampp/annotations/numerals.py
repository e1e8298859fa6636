"""Numbers that stand in files."""

import math


def finite(text: str | None) -> float | None:
    """The number that a text is; None if it is none, infinite or not a number."""
    try:
        number = float(text or "")
    except ValueError:
        return None
    return number if math.isfinite(number) else None


def is_number(value: object) -> bool:
    """Whether a JSON value is a finite number; true and false are not."""
    return isinstance(value, (int, float)) and not isinstance(value, bool) and abs(value) < 1e15
