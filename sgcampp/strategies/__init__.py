"""From the maps of a run to what the model does: images of a class whose maps are alike."""
