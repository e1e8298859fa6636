"""Why a saliency map is all zeros, and why one has no standard error."""

FLAT_REASONS = (
    "",
    "not_finite",
    "no_gradient",
    "no_activation",
    "no_positive_evidence",
    "nothing_unusual",
)
"""The words that rows and explanations have; "" for a map that is not flat."""
NO_ERROR_REASONS = (
    "not_averaged",
    "path",
    "few_samples",
    "affine_head",
    "memory",
    "one_filter",
    "flat",
    "not_finite",
)
"""Why a map has no relative error: the words that rows have."""
