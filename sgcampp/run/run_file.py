"""How a run writes run.yaml."""

from dataclasses import asdict

from sgcampp.config.loading import as_yaml
from sgcampp.config.run_config import RunConfig
from sgcampp.storage.store import Store
from sgcampp.storage.urls import without_secrets
from sgcampp.tree.paths import RUN_YAML
from sgcampp.tree.run_record import RunRecord, recorded_yaml


def run_yaml(config: RunConfig, record: RunRecord) -> bytes:
    """The text of run.yaml; `--config OUT/run.yaml` repeats the run."""
    return recorded_yaml(as_yaml(without_secrets(asdict(config))), record)


def write_run_yaml(store: Store, config: RunConfig, record: RunRecord) -> None:
    """Writes the output tree's run.yaml."""
    store.write(RUN_YAML, run_yaml(config, record))
