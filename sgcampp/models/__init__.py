"""A name or a file becomes a classifier: model, preprocessing, labels, default layer."""
