"""The rooms and the ways between them, read off the imports."""

import subprocess
import sys

import pytest
from house import (
    FILES,
    MODULES,
    ROOT,
    imports,
    imports_when_loaded,
    is_in,
    module_of,
    typed_imports,
)

ROOMS = {
    "sgcampp.storage": set(),
    "sgcampp.config": {
        "sgcampp.storage",
        "sgcampp.explain",
        "sgcampp.engine.settings",
        "sgcampp.pictures",
        "sgcampp.registry",
    },
    "sgcampp.models": {"sgcampp.registry", "sgcampp.storage"},
    "sgcampp.explain": {"sgcampp.draws", "sgcampp.models.labels", "sgcampp.registry"},
    "sgcampp.engine": {"sgcampp.explain", "sgcampp.models"},
    "sgcampp.images": {"sgcampp.storage"},
    "sgcampp.tree": {
        "sgcampp.config.strict_yaml",
        "sgcampp.images.faults",
        "sgcampp.images.headers",
        "sgcampp.images.find",
        "sgcampp.images.items",
        "sgcampp.images.names",
        "sgcampp.images.sources",
        "sgcampp.images.tar_files",
        "sgcampp.storage",
    },
    "sgcampp.pictures": {
        "sgcampp.explain.looks",
        "sgcampp.explain.methods",
        "sgcampp.registry",
        "sgcampp.tree.rows",
        "sgcampp.tree.words",
    },
    "sgcampp.api": {
        "sgcampp.annotations",
        "sgcampp.engine",
        "sgcampp.evaluation",
        "sgcampp.explain",
        "sgcampp.metrics",
        "sgcampp.models",
        "sgcampp.pictures.encoding",
        "sgcampp.pictures.rendering",
        "sgcampp.tree.words",
    },
    "sgcampp.run": {
        "sgcampp.config",
        "sgcampp.engine",
        "sgcampp.explain",
        "sgcampp.images",
        "sgcampp.models",
        "sgcampp.pictures",
        "sgcampp.storage",
        "sgcampp.tree",
    },
    "sgcampp.report": {
        "sgcampp.export.evaluated",
        "sgcampp.models.labels",
        "sgcampp.models.names",
        "sgcampp.evaluation.records",
        "sgcampp.evaluation.rows",
        "sgcampp.evaluation.summary",
        "sgcampp.statistics.digits",
        "sgcampp.statistics.intervals",
        "sgcampp.storage",
        "sgcampp.strategies.findings",
        "sgcampp.strategies.heat",
        "sgcampp.strategies.maps",
        "sgcampp.strategies.reading",
        "sgcampp.tree",
    },
    "sgcampp.strategies": {"sgcampp.storage", "sgcampp.tree"},
    "sgcampp.export": {
        "sgcampp.config.strict_yaml",
        "sgcampp.metrics",
        "sgcampp.storage",
        "sgcampp.tree",
    },
    "sgcampp.cluster": {
        "sgcampp.images.faults",
        "sgcampp.run",
        "sgcampp.storage",
        "sgcampp.tree",
    },
    "sgcampp.annotations": set(),
    "sgcampp.statistics": set(),
    "sgcampp.metrics": {"sgcampp.draws", "sgcampp.registry"},
    "sgcampp.evaluation": {
        "sgcampp.annotations",
        "sgcampp.metrics",
        "sgcampp.config.keys",
        "sgcampp.config.run_config",
        "sgcampp.config.strict_yaml",
        "sgcampp.draws",
        "sgcampp.engine",
        "sgcampp.explain",
        "sgcampp.images",
        "sgcampp.models",
        "sgcampp.registry",
        "sgcampp.run.baselines",
        "sgcampp.run.examples",
        "sgcampp.run.stop",
        "sgcampp.run.threads",
        "sgcampp.statistics",
        "sgcampp.storage",
        "sgcampp.tree",
    },
}
"""What each room may import of ours, beside itself, sgcampp.errors and the package itself."""

HALL = {
    *("sgcampp", "sgcampp.__main__", "sgcampp.draws"),
    *("sgcampp.errors", "sgcampp.pipeline", "sgcampp.registry"),
}
"""What lies in no room."""

COMPUTING = {"sgcampp.engine", "sgcampp.api", "sgcampp.models", "sgcampp.run"}
"""Rooms whose files import TensorFlow at their top, if they need it."""

ALSO_COMPUTING = {
    "sgcampp.explain.jackknife",
    "sgcampp.explain.lens",
    "sgcampp.explain.moments",
    "sgcampp.explain.noise",
    "sgcampp.evaluation.mask_scoring",
}

LATER = {
    "sgcampp.explain.lazy": "methods are named without it",
    "sgcampp.models.loading": "after the check of what Keras runs on",
    "cli.doctor": "to tell of it",
    "sgcampp.run.quiet": "so that it says nothing",
    "sgcampp.explain.lime": "scikit-image and scikit-learn, an extra for one method",
    "sgcampp.strategies.clustering": "an extra",
    "sgcampp.export.formats": "pyarrow, for Parquet alone",
    "sgcampp.images.parquet_files": "likewise",
}
"""The files that import what is heavy within a function, and why."""

WITHOUT = (
    "sgcampp.models.sources",
    "sgcampp.engine.settings",
    "sgcampp.config.loading",
    "sgcampp.tree.verify",
    "sgcampp.tree.status",
    "sgcampp.report.evaluation_page",
    "sgcampp.report.page",
    "sgcampp.report.strategies_page",
    "sgcampp.strategies.findings",
    "sgcampp.evaluation.summarise",
    "sgcampp.export.table",
    "sgcampp.run.summary",
    "sgcampp.run.stop",
    "sgcampp.pipeline",
    "sgcampp.cluster.opening",
    "sgcampp.cluster.worker",
)
"""What the commands import that need no TensorFlow."""

HEAVY = {
    *("tensorflow", "keras", "tf_keras", "h5py", "torch", "skimage", "sklearn", "diptest"),
    "pyarrow",
}


def test_the_imports_are_seen():
    assert len(FILES) > 30
    engine = {module for _, module in imports(MODULES["sgcampp.engine.engine"])}
    assert {"sgcampp.engine.plan", "sgcampp.engine.step", "tensorflow"} <= engine
    assert "cli.options" in {module for _, module in imports(MODULES["cli.running"])}
    assert "tensorflow" in imports_when_loaded(MODULES["sgcampp.engine.engine"])
    assert "tensorflow" not in imports_when_loaded(MODULES["sgcampp.run.quiet"])


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_the_ways_lead_in_one_direction(path):
    module = module_of(path)
    for line, name in imports(path):
        where = f"{path}:{line} imports {name}"
        assert is_in(module, "cli") or not is_in(name, "cli"), where
        assert module == "sgcampp.__main__" or not name.startswith("sgcampp.cli"), where
        assert is_in(module, "cli") or name != "sgcampp.pipeline", where
        for room, allowed in ROOMS.items():
            if is_in(module, room) and is_in(name, "sgcampp") and name != "sgcampp":
                allowed_here = {room, "sgcampp.errors", *allowed}
                assert any(is_in(name, package) for package in allowed_here), where


def test_every_file_lies_in_a_room_with_rules():
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert packages == {"cli", "sgcampp", *ROOMS}
    loose = {name for name in MODULES if name.count(".") < 2 and not is_in(name, "cli")}
    assert loose - packages == HALL - packages


def test_no_import_leads_in_a_circle():
    ways = {name: set(imports_when_loaded(path)) for name, path in MODULES.items()}
    seen, done = [], set()

    def visit(name):
        assert name not in seen, f"{' → '.join([*seen[seen.index(name) :], name])}"
        if name in done or name not in ways:
            return
        seen.append(name)
        for other in sorted(ways[name]):
            visit(other)
        done.add(seen.pop())

    for name in ways:
        visit(name)


@pytest.mark.parametrize("path", FILES, ids=module_of)
def test_tensorflow_is_imported_at_the_top_of_what_computes(path):
    module = module_of(path)
    at_top = {n.partition(".")[0] for n in imports_when_loaded(path)} & HEAVY
    anywhere = {name.partition(".")[0] for name in typed_imports(path)} & HEAVY
    if not any(is_in(module, room) for room in COMPUTING) and module not in ALSO_COMPUTING:
        assert not at_top
    if module not in LATER:
        assert anywhere <= at_top, "imported within a function"


@pytest.mark.parametrize("module", WITHOUT)
def test_what_needs_no_tensorflow_loads_none(module):
    code = f"import sys, {module}; print(*sys.modules)"
    line = [sys.executable, "-c", code]
    loaded = subprocess.run(line, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert not {"tensorflow", "keras", "distributed"} & set(loaded.split())
    if is_in(module, "sgcampp.tree") or is_in(module, "sgcampp.report"):
        assert not {"cv2", "scipy", "sgcampp.explain"} & set(loaded.split())


def test_every_package_stands_in_setup_cfg():
    listed = (ROOT / "setup.cfg").read_text("utf-8").split()
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert {"sgcampp.cli" if name == "cli" else name for name in packages} <= set(listed)
