"""What the maps of an output tree are worth: scored, measured, compared, said in words."""
