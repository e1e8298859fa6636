"""The rooms and the ways between them, read off the imports; flags, keys and ready configs."""

import ast
import itertools
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

import click
import pytest

import cli.help_groups
import cli.main
from sgcampp.config.loading import load_config
from sgcampp.config.run_config import RunConfig

ROOT = Path(__file__).resolve().parents[1]
FILES = sorted([*(ROOT / "cli").rglob("*.py"), *(ROOT / "sgcampp").rglob("*.py")])

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
MOST_LINES, LONGEST_FUNCTION = 250, 45
DRIVING = {
    *("config", "json", "as_json", "shard", "retry_failed", "overwrite", "quiet"),
    *("workers", "scheduler"),
}
"""Flags of `explain` that say how a run is driven, not what it computes."""


def module_of(path):
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {module_of(path): path for path in FILES}


def names(path, node):
    """Absolute names of the modules that an import statement brings in."""
    if isinstance(node, ast.Import):
        return [alias.name for alias in node.names]
    base = node.module or ""
    if node.level:
        package = [*path.relative_to(ROOT).parts[:-1]]
        package = package[: len(package) - node.level + 1]
        base = ".".join([*package, *([node.module] if node.module else [])])
    inner = [f"{base}.{alias.name}" for alias in node.names]
    return [name if name in MODULES else base for name in inner]


def imports(path):
    """(line, module) of every import in a file, wherever it stands."""
    tree = ast.parse(path.read_text("utf-8"))
    statements = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return [(node.lineno, name) for node in statements for name in names(path, node)]


def imports_when_loaded(path):
    """Modules that importing the file imports: none in functions or under TYPE_CHECKING."""
    found = []
    waiting = list(ast.parse(path.read_text("utf-8")).body)
    while waiting:
        node = waiting.pop()
        if isinstance(node, (ast.Import, ast.ImportFrom)):
            found += names(path, node)
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            waiting += node.orelse
        elif not isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda)):
            waiting += ast.iter_child_nodes(node)
    return found


def is_in(module, package):
    return module == package or module.startswith(f"{package}.")


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


def typed_imports(path):
    """Modules that a file imports to run, at its top or within functions, not for types alone."""
    tree = ast.parse(path.read_text("utf-8"))
    for node in ast.walk(tree):
        if isinstance(node, ast.If) and "TYPE_CHECKING" in ast.unparse(node.test):
            node.body = []
    statements = [n for n in ast.walk(tree) if isinstance(n, (ast.Import, ast.ImportFrom))]
    return [name for node in statements for name in names(path, node)]


@pytest.mark.parametrize("module", WITHOUT)
def test_what_needs_no_tensorflow_loads_none(module):
    code = f"import sys, {module}; print(*sys.modules)"
    line = [sys.executable, "-c", code]
    loaded = subprocess.run(line, check=True, capture_output=True, text=True, cwd=ROOT).stdout
    assert not {"tensorflow", "keras", "distributed"} & set(loaded.split())
    if is_in(module, "sgcampp.tree") or is_in(module, "sgcampp.report"):
        assert not {"cv2", "scipy", "sgcampp.explain"} & set(loaded.split())


@pytest.mark.parametrize(
    "path", [*FILES, *sorted((ROOT / "scripts").rglob("*.py"))], ids=lambda path: path.stem
)
def test_files_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


COVERED = {
    "annotations/test_box_table.py": ["annotations.numerals"],
    "api/test_evaluating.py": ["api.own_maps"],
    "api/test_figure.py": ["api.explanation"],
    "cli/test_explain_command.py": ["run.doubts"],
    "cli/test_environment.py": ["__main__", "run.quiet"],
    "cli/test_usage_errors.py": ["errors", "run.starting"],
    "cluster/test_workers.py": [
        *("cluster.calls", "cluster.hands", "cluster.local", "cluster.opening"),
        *("cluster.preload", "cluster.worker", "run.crew"),
    ],
    "config/test_run_config.py": ["config.keys", "config.loading", "config.value_types"],
    "engine/test_engine.py": [
        *(
            "api.explainer",
            "api.subject",
            "engine.frozen",
            "engine.grid",
            "engine.plan",
            "engine.results",
        ),
        *("engine.settings", "engine.step", "explain.lens", "explain.choices"),
    ],
    "engine/test_ensemble.py": ["engine.sampling", "explain.looks"],
    "metrics/test_arrays.py": ["metrics.correlation"],
    "evaluation/test_running.py": [
        *(
            "evaluation.asking",
            "evaluation.group_scoring",
            "evaluation.measurer",
            "evaluation.measuring",
        ),
        *("evaluation.opening", "evaluation.preparing", "evaluation.presets"),
        *("evaluation.reference_maps", "evaluation.request", "evaluation.stored_rows"),
    ],
    "evaluation/test_variations.py": [
        *("evaluation.drawn_inputs", "evaluation.explaining_again", "evaluation.extras"),
        "evaluation.imputing",
    ],
    "metrics/test_metric.py": ["metrics.catalogue"],
    "metrics/test_ordering.py": ["draws"],
    "evaluation/test_summarise.py": [
        *(
            "evaluation.comparing",
            "evaluation.evidence",
            "evaluation.gathering",
            "evaluation.summary",
        ),
    ],
    "engine/test_groups.py": ["engine.certainty", "engine.finishing", "engine.state"],
    "engine/test_slots.py": ["engine.streaming"],
    "engine/test_oracle.py": ["engine.accumulate"],
    "engine/test_scoring.py": ["engine.device"],
    "engine/test_scanning.py": ["engine.activations"],
    "explain/test_cam.py": ["engine.pooled_head"],
    "explain/test_noise.py": ["explain.checks"],
    "explain/test_pixel_methods.py": ["engine.copies", "engine.propagation"],
    "engine/test_baselines.py": ["engine.fills", "explain.against"],
    "explain/test_targets.py": ["engine.class_scores", "explain.classes"],
    "explain/test_masks.py": ["engine.masking"],
    "explain/test_prediction_difference.py": ["explain.patches"],
    "explain/test_perturbation_methods.py": [
        *("engine.fills", "engine.masked_scores", "explain.perturbation"),
    ],
    "export/test_table.py": ["export.columns", "export.evaluated", "export.formats"],
    "images/test_decode.py": ["images.headers"],
    "images/test_find.py": ["images.items", "images.names", "images.sources"],
    "images/test_bad_images.py": ["images.faults"],
    "models/test_applications.py": ["models.families", "models.pretrained", "models.sources"],
    "models/test_classifier.py": ["models.fingerprint", "models.signature"],
    "models/test_keras_file.py": ["models.loading", "models.names", "models.weights_file"],
    "models/test_layers.py": ["models.layer_calls"],
    "pictures/test_panel.py": ["pictures.panel_layout"],
    "pictures/test_writers.py": ["pictures.encoding", "pictures.style"],
    "report/test_charts.py": ["report.shapes"],
    "report/test_evaluation_page.py": ["report.evaluation_pictures", "report.evaluation_views"],
    "report/test_filters.py": ["report.filters_page"],
    "report/test_means.py": ["report.findings"],
    "report/test_page.py": [
        "report.html",
        "report.inlined",
        "report.lines",
        "report.overview",
        "report.values",
    ],
    "run/test_background.py": ["run.parting"],
    "run/test_batch_sizes.py": ["engine.batch_size"],
    "run/test_serving.py": ["engine.serving"],
    "storage/test_local.py": ["storage.store", "storage.regular"],
    "storage/test_location.py": ["storage.urls"],
    "storage/test_remote.py": ["storage.asking", "storage.growing", "storage.lease"],
    "test_architecture.py": ["explain.lazy"],
    "test_docs.py": ["explain.flat_reasons"],
    "test_from_outside.py": [
        *("registry", "engine.perturbing", "explain.method"),
        "tree.open_tree",
    ],
    "test_loading_explains.py": ["engine.tap", "engine.discovery"],
    "test_pipeline.py": [
        *("run.backlog", "run.explaining", "run.reading", "run.stop", "run.summary"),
        *("run.pace", "run.writing", "tree.lock"),
        *("run.alone", "run.listing", "run.prepared"),
    ],
    "test_perturbed_run.py": ["run.examples"],
    "test_run_of_several.py": ["pictures.arrangement", "run.suffixes", "run.targets"],
    "tree/test_manifest.py": ["tree.index", "tree.rows"],
    "tree/test_odd_rows.py": ["tree.schema"],
    "test_layouts.py": [
        "report.inlined",
        "run.packing",
        "tree.originals",
        "tree.present",
        "tree.shards",
    ],
    "tree/test_run_record.py": ["run.run_file"],
    "tree/test_paths.py": ["storage.atomic", "tree.tree_writer"],
    "tree/test_verify.py": ["tree.arrays"],
}
"""Test files that hold modules of other names too."""


def test_every_module_has_its_tests():
    """In the file of its name in the room's tests, or in one that says so above."""
    elsewhere = {f"sgcampp.{name}" for names in COVERED.values() for name in names}
    for name, path in MODULES.items():
        if path.name != "__init__.py" and not is_in(name, "cli"):
            *rooms, stem = name.split(".")[1:]
            own = (ROOT / "tests").joinpath(*rooms, f"test_{stem}.py")
            assert own.exists() != (name in elsewhere), name
    assert all((ROOT / "tests" / file).exists() for file in COVERED)
    assert elsewhere <= set(MODULES)


def test_every_package_stands_in_setup_cfg():
    listed = (ROOT / "setup.cfg").read_text("utf-8").split()
    packages = {name for name, path in MODULES.items() if path.name == "__init__.py"}
    assert {"sgcampp.cli" if name == "cli" else name for name in packages} <= set(listed)


def every_command():
    context = click.Context(cli.main.main)
    return {name: cli.main.main.get_command(context, name) for name in cli.main.COMMANDS}


def options(command):
    return [p for p in command.params if isinstance(p, click.Option)]


def test_every_command_and_every_option_has_help():
    for name, command in every_command().items():
        assert cli.main.COMMANDS[name].endswith(".")
        assert command.help and command.get_short_help_str(), name
        for option in options(command):
            assert option.help and option.help.strip(), f"{name} --{option.name}"
    assert all(option.help for option in options(cli.main.main))


def test_every_file_of_a_command_is_listed():
    with_command = {
        path.stem
        for path in (ROOT / "cli").glob("*.py")
        if any(
            isinstance(node, ast.FunctionDef) and node.name == "command"
            for node in ast.parse(path.read_text("utf-8")).body
        )
    }
    assert with_command == set(cli.main.COMMANDS)


def test_keys_and_flags_of_explain_are_the_same_words():
    keys = {key.name for key in fields(RunConfig)}
    command = every_command()["explain"]
    flags = {option.name: option for option in options(command)}
    assert set(flags) - DRIVING == keys - {"sources"}
    assert [p.name for p in command.params if isinstance(p, click.Argument)] == ["src"]
    for name in keys - {"sources"}:
        assert f"--{name.replace('_', '-')}" in flags[name].opts, name


@pytest.mark.parametrize("command", ["explain", "compare"])
def test_every_flag_of_a_run_stands_in_one_group(command):
    flags = {option.name for option in options(every_command()[command])}
    groups = cli.help_groups.GROUPS.values()
    assert sorted(itertools.chain.from_iterable(groups)) == sorted(flags)


@pytest.mark.parametrize("command", ["config", "layers"])
def test_flags_of_other_commands_are_keys_too(command):
    flags = {option.name for option in options(every_command()[command])}
    assert flags - {"as_json"} <= {key.name for key in fields(RunConfig)}


def test_configs_default_is_what_sgcampp_config_prints():
    from click.testing import CliRunner

    result = CliRunner().invoke(cli.main.main, ["config"])
    assert result.exit_code == 0
    assert result.stdout == (ROOT / "configs" / "default.yaml").read_text("utf-8")


@pytest.mark.parametrize(
    "path",
    sorted((ROOT / "configs").rglob("*.yaml")),
    ids=lambda path: str(path.relative_to(ROOT)),
)
def test_every_ready_config_is_valid(path):
    load_config(path, {})


def test_the_public_names_are_imported_when_used():
    import sgcampp

    assert set(sgcampp.__all__) == set(sgcampp._HOMES) <= set(dir(sgcampp))
    for name in sgcampp.__all__:
        assert getattr(sgcampp, name).__name__ == name
    with pytest.raises(AttributeError, match="no attribute 'heatmaps'"):
        _ = sgcampp.heatmaps
    assert sys.modules["sgcampp"].heatmap is sgcampp.pictures.rendering.heatmap
