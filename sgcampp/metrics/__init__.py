"""Metrics and reference maps: plain functions of arrays, each with its source; know no model."""
