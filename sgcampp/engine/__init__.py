"""The machine: a model traced once, run over a grid of images and samples."""
