"""One static page to look through an output tree; knows no TensorFlow."""
