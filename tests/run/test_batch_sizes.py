import pytest
import tiny

from sgcampp import Explainer
from sgcampp.engine import batch_size as trying
from sgcampp.engine.device import DeviceMemoryError
from sgcampp.engine.scoring import Scorer
from sgcampp.run import batch_sizes as tuning

SHAPE = (8, 8, 3)


@pytest.fixture
def engine(twin, monkeypatch, tmp_path):
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    return Explainer(twin.model, "features", nsamples=3).ensemble(1, SHAPE)


def pretend(monkeypatch, seconds):
    """Replaces the clock by seconds a sample for each B; records which were tried."""
    tried = []

    def pretended(engine, shape, batch_size):
        tried.append(batch_size)
        if seconds[batch_size] is None:
            raise DeviceMemoryError
        return seconds[batch_size]

    monkeypatch.setattr(trying, "_seconds_a_sample", pretended)
    return tried


def test_b_doubles_as_long_as_that_pays_and_is_remembered(engine, monkeypatch):
    tried = pretend(monkeypatch, {4: 1.0, 8: 0.8, 16: 0.7, 32: 0.695, 64: 0.1})
    assert tuning.tuned_batch_size(engine, SHAPE, 10**6, "key") == 16
    assert tried == [4, 8, 16, 32]
    assert tuning.tuned_batch_size(engine, SHAPE, 10, "key") == 16
    assert tried == [4, 8, 16, 32]
    tuning.tuned_batch_size(engine, SHAPE, 10**6, "another model")
    assert len(tried) == 8


def test_a_device_without_memory_ends_the_trial(engine, monkeypatch):
    pretend(monkeypatch, {4: 1.0, 8: 0.8, 16: None})
    assert tuning.tuned_batch_size(engine, SHAPE, 10**6, "key") == 8


def test_a_short_run_is_not_worth_a_trial(engine, monkeypatch):
    tried = pretend(monkeypatch, {})
    assert tuning.tuned_batch_size(engine, SHAPE, 100, "key") == tuning.AUTO_BATCH_SIZE
    assert tried == []


@pytest.mark.parametrize("content", ["{", "[1]"])
def test_a_damaged_cache_is_made_anew(engine, monkeypatch, tmp_path, content):
    pretend(monkeypatch, dict.fromkeys(trying.CANDIDATES, 1.0))
    (tmp_path / "cache/sgcampp").mkdir(parents=True)
    (tmp_path / "cache/sgcampp/batch_sizes.json").write_text(content)
    assert tuning.tuned_batch_size(engine, SHAPE, 10**6, "key") == 4


def test_a_cache_that_cannot_be_written_is_no_reason_to_stop(engine, monkeypatch, tmp_path):
    pretend(monkeypatch, dict.fromkeys(trying.CANDIDATES, 1.0))
    (tmp_path / "cache").write_text("a file")
    assert tuning.tuned_batch_size(engine, SHAPE, 10**6, "key") == 4


def test_a_trial_runs_a_few_batches_however_many_images_are_perturbed(twin, monkeypatch):
    rows = []
    original = Scorer.__call__

    def counted(self, images, *arguments):
        outputs = original(self, images, *arguments)
        rows.append(len(outputs.logits))
        return outputs

    monkeypatch.setattr(Scorer, "__call__", counted)
    ensemble = Explainer(twin.model, None, "rise", perturbations=10_000).ensemble(1, SHAPE)
    trying._seconds_a_sample(ensemble, SHAPE, 16)
    assert 3 * 8 * 10 < sum(rows) <= 3 * (8 * 16 + 1)


def test_a_real_trial_ends_with_one_of_the_candidates(engine):
    assert tuning.tuned_batch_size(engine, SHAPE, 10**6, "key") in trying.CANDIDATES
    assert SHAPE[0] == tiny.SIZE
