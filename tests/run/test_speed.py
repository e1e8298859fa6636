"""The speed of a config: of the work that a run would do."""

import tiny

from sgcampp.config.run_config import RunConfig
from sgcampp.engine.ensemble import Ensemble
from sgcampp.run.speed import images_a_second


def test_whole_groups_are_explained_for_the_time_given(tmp_path, monkeypatch):
    model = tmp_path / "m.keras"
    tiny.relu_cnn().model.save(model)
    shapes = []
    run = Ensemble.run

    def counted(self, images, codes, layout):
        shapes.append((images.shape[0], codes.shape))
        return run(self, images, codes, layout)

    monkeypatch.setattr(Ensemble, "run", counted)
    config = RunConfig(model=str(model), scale=0.01, target="top2", batch_size=12, nsamples=2)
    assert images_a_second(config, seconds=0.05) > 0
    assert len(shapes) >= 2  # the first is not timed
    assert set(shapes) == {(4, (4, 2, 2))}  # B = 12 takes four images of three samples
