"""Intervals, tests and verdicts over images; knows no metric."""
