"""How many digits of a number are shown, and with which signs, in tables, words and pages."""

import math

MOST_DECIMALS = 6


def decimals_of(value: float, digits: int) -> int:
    """The decimals that show so many significant digits of a number."""
    if value == 0:
        return 0
    shown = digits - 1 - math.floor(math.log10(abs(value)))
    return min(max(shown, 0), MOST_DECIMALS)


def fixed(value: float, decimals: int, sign: str = "") -> str:
    """With a real minus, which zero never has; `sign` "+" gives the others a plus."""
    text = f"{abs(value):.{decimals}f}"
    if float(text) == 0:
        return text
    return f"{'−' if value < 0 else sign}{text}"
