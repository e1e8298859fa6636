"""Files stay small, and each has its tests."""

import ast

import pytest
from house import FILES, MODULES, ROOT, is_in

MOST_LINES, LONGEST_FUNCTION = 250, 45

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
    "test_rooms.py": ["explain.lazy"],
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
        "tree.shards",
    ],
    "tree/test_run_record.py": ["run.run_file"],
    "tree/test_paths.py": ["storage.atomic", "tree.tree_writer"],
    "tree/test_verify.py": ["tree.arrays"],
}
"""Test files that hold modules of other names too."""


@pytest.mark.parametrize(
    "path", [*FILES, *sorted((ROOT / "scripts").rglob("*.py"))], ids=lambda path: path.stem
)
def test_files_and_functions_stay_small(path):
    text = path.read_text("utf-8")
    assert len(text.splitlines()) <= MOST_LINES
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            assert node.end_lineno - node.lineno < LONGEST_FUNCTION, node.name


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
