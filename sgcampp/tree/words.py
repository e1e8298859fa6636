"""How classes and reasons read, in terminals, pictures, pages and notebooks alike."""


def class_words(
    class_idx: int | None,
    class_name: str | None,
    against_idx: int | None = None,
    against_name: str | None = None,
    numbered: bool = False,
) -> str:
    """The class of a map, or both of a contrast: by label, by index where there is none.

    Args:
        class_idx: the class explained; None where it is not known.
        class_name: its label, or None.
        against_idx: the class of a contrast that counts against it, or None.
        against_name: its label, or None.
        numbered: whether a label has its index behind it.
    """
    one = _one(class_idx, class_name, numbered)
    other = _one(against_idx, against_name, numbered)
    return f"{one} against {other}" if other else one


def flat_words(reason: str) -> str:
    """Why a map is all zeros: `no_gradient` as "no gradient"."""
    return reason.replace("_", " ")


def _one(idx: int | None, name: str | None, numbered: bool) -> str:
    if name is None or name == "":
        return "" if idx is None else f"class {idx}"
    return f"{name} ({idx})" if numbered and idx is not None else name
