"""What a map is worth: metrics and reference maps, plain functions of arrays. Knows no model."""
