"""Why a saliency map is all zeros."""

FLAT_REASONS = ("", "not_finite", "no_gradient", "no_activation", "no_positive_evidence")
"""The words that rows and explanations have; "" for a map that is not flat."""
