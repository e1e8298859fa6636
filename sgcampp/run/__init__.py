"""What a run does to one image after another: find, read, explain, write, record."""
