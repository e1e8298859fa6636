"""What a map is worth: metrics, statistics and annotated objects.

Knows no TensorFlow but through the scorer.
"""
