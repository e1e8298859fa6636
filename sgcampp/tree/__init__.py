"""The output tree, written and read back; knows neither TensorFlow nor OpenCV."""
