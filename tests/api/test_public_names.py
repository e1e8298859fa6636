"""What `import sgcampp` offers."""

import sys

import pytest


def test_the_public_names_are_imported_when_used():
    import sgcampp

    assert set(sgcampp.__all__) == set(sgcampp._HOMES) <= set(dir(sgcampp))
    for name in sgcampp.__all__:
        assert getattr(sgcampp, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'heatmaps'"):
        _ = sgcampp.heatmaps
    assert sys.modules["sgcampp"].heatmap is sgcampp.pictures.rendering.heatmap
