"""The Python API: an Explainer, what it returns, and how that is drawn."""
