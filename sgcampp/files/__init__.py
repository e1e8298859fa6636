"""What comes in and goes out: images, output tree, manifest, writers, rendering."""
