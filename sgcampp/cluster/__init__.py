"""Runs whose images are explained by the workers of a Dask cluster, here or elsewhere."""
