"""`sgcampp doctor`: facts to paste into a bug report."""

import json

import cli.doctor


def test_it_tells_versions_machine_and_speed(sgcampp, given, tmp_path, monkeypatch):
    monkeypatch.setattr(cli.doctor, "SECONDS", 0.01)
    config = tmp_path / "run.yaml"
    config.write_text(f'model: "{given / "m.keras"}"\nscale: 0.01\nnsamples: 3\n')
    told = json.loads(sgcampp.run("doctor", "--config", config, "--json").stdout)
    assert {"sgcampp", "tensorflow", "processor", "cores", "GPUs", "free disk here"} <= set(told)
    (speed,) = (value for name, value in told.items() if name.startswith("images a second"))
    assert speed > 0
    lines = sgcampp.run("doctor", "--config", config).stdout.splitlines()
    assert [line.split("  ")[0].strip() for line in lines] == list(told)


def test_a_config_that_is_none_is_refused(sgcampp, tmp_path, error):
    (tmp_path / "run.yaml").write_text("nsample: 3\n")
    assert "nsample" in error(sgcampp.run("doctor", "--config", tmp_path / "run.yaml"))
