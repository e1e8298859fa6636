"""What is drawn of saliency maps: heatmaps, overlays, panels, and the bytes of each file."""
