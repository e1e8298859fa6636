"""The science: from a model, images and class scores to saliency maps. Knows no files."""
