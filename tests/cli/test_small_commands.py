import json

import pytest

import sgcampp as package
from cli.progress import a_second
from sgcampp.config.loading import load_config

COSTS_NO_TENSORFLOW = [
    ["--help"], ["--version"], ["models"], ["models", "--json"], ["config"], ["status", "tree"],
    ["status", "tree", "--json"], ["explain", "--help"], ["layers", "--help"], ["config", "--help"],
    ["explain", "photos", "-o", "o", "--nsamples", "-1"], ["explain", "photos", "--nope"],
]  # fmt: skip


@pytest.fixture
def tree(sgcampp, out):
    assert sgcampp.explain("mixed").exit_code == 1
    return out


@pytest.mark.parametrize("words", COSTS_NO_TENSORFLOW, ids=" ".join)
def test_tensorflow_is_not_imported(process, tree, words):
    from sys import executable

    words = [str(tree) if word == "tree" else word for word in words]
    script = executable.rpartition("/")[0] + "/sgcampp"
    result = process(*words, python=["-X", "importtime", script])
    imported = {
        line.rpartition("|")[2].strip().partition(".")[0]
        for line in result.stderr.decode().splitlines()
        if line.startswith("import time:")
    }
    assert result.returncode == (2 if "explain" in words and "--help" not in words else 0)
    assert "click" in imported and "sgcampp" in imported
    assert not imported & {"tensorflow", "keras", "h5py"}


def test_importing_the_package_costs_neither_tensorflow_nor_numpy(process):
    code = "import sgcampp, sys; print({'tensorflow', 'keras', 'numpy'} & set(sys.modules))"
    result = process(python=["-c", code])
    assert result.stdout.decode().strip() == "set()"


def test_help_names_every_command_and_keeps_its_example_lines(sgcampp):
    text = sgcampp.run("--help").stdout
    for word in ("explain", "layers", "models", "config", "status", "Exit codes"):
        assert word in text
    assert "  sgcampp explain photo.jpg -o out\n" in text
    assert "\\b" not in text and "\b" not in text
    assert sgcampp.run("-h").stdout == text


@pytest.mark.parametrize("command", ["explain", "layers", "models", "config", "status"])
def test_help_of_each_command(sgcampp, command):
    result = sgcampp.run(command, "--help")
    assert result.exit_code == 0
    assert result.stdout.startswith(f"Usage: sgcampp {command}")


def test_version(sgcampp):
    assert sgcampp.run("--version").stdout == f"sgcampp, version {package.__version__}\n"


def test_models_lists_the_embedded_one_first(sgcampp):
    first, *others = sgcampp.run("models").stdout.splitlines()
    assert first.split() == ["efficientnet-lite0", "224×224", "embedded"]
    assert any(line.split()[0] == "vgg16" for line in others)
    models = json.loads(sgcampp.run("models", "--json").stdout)
    assert models[0] == {"name": "efficientnet-lite0", "size": [224, 224], "source": "embedded"}
    assert len(models) == len(others) + 1


def test_layers_of_a_file(sgcampp, error):
    first, second = sgcampp.run("layers", "m.keras").stdout.splitlines()
    assert first.split() == ["*≈", "features", "Conv2D", "8×8×5"]
    assert second.split() == ["~", "pooled", "MaxPooling2D", "4×4×5"]
    layers = json.loads(sgcampp.run("layers", "m.keras", "--json").stdout)
    assert layers[0] == {
        "address": "features",
        "type": "Conv2D",
        "shape": [8, 8, 5],
        "default": True,
        "smoothing": True,
        "last_smoothing": True,
    }
    assert "does not exist" in error(sgcampp.run("layers", "none.keras"))
    assert "or 'vgg16'?" in error(sgcampp.run("layers", "vgg61"))


def test_layers_of_a_named_model(sgcampp):
    layers = json.loads(sgcampp.run("layers", "efficientnet-lite0", "--json").stdout)
    (default,) = [layer for layer in layers if layer["default"]]
    assert default["address"] == "head_act" and default["shape"] == [7, 7, 1280]
    assert [layer["address"] for layer in layers if layer["last_smoothing"]] == ["head_bn"]
    acting = [layer["address"] for layer in layers if layer["smoothing"]]
    assert acting == [layer["address"] for layer in layers[: len(acting)]]
    assert not default["smoothing"]


def test_config_prints_what_file_and_flags_resolve_to(sgcampp, tmp_path):
    given = tmp_path / "given.yaml"
    given.write_text("nsamples: 5\nstd_dev: 1e-3\n")
    printed = sgcampp.run("config", given, "--nsamples", "7", "--sources", "a.jpg,b.jpg")
    assert printed.exit_code == 0
    (tmp_path / "printed.yaml").write_text(printed.stdout)
    resolved = load_config(tmp_path / "printed.yaml", {})
    assert (resolved.nsamples, resolved.std_dev) == (7, 0.001)
    assert resolved.sources == ["a.jpg", "b.jpg"]
    assert sgcampp.run("config", tmp_path / "printed.yaml").stdout == printed.stdout


def test_config_checks_the_one_given(sgcampp, tmp_path, error):
    given = tmp_path / "given.yaml"
    given.write_text("nsample: 3\n")
    assert "did you mean 'nsamples'" in error(sgcampp.run("config", given))
    assert "No such file" in error(sgcampp.run("config", tmp_path / "none.yaml"))
    assert "score is 'x', accepted" in error(sgcampp.run("config", "--score", "x"))


def test_status_counts_and_lists_failures(sgcampp, tree, error):
    result = sgcampp.run("status", tree)
    assert result.exit_code == 0
    assert "2 of 5 images done, 3 failed, 0 missing" in result.stdout
    assert "\nempty\tempty.png\tthe file has zero bytes" in "\n" + result.stdout
    status = json.loads(sgcampp.run("status", tree, "--json").stdout)
    assert (status["images"], status["done"], status["missing"]) == (5, 2, 0)
    assert {row["key"]: row["reason"] for row in status["failed"]} == {
        "broken.jpg": "corrupt",
        "empty.png": "empty",
        "text.png": "not_an_image",
    }
    for part in (tree / "manifest").glob("*.jsonl"):
        part.unlink()
    assert "0 of 5 images done, 0 failed, 5 missing" in sgcampp.run("status", tree).stdout


def test_status_of_what_is_no_output_tree(sgcampp, tree, error):
    for path in ("none", "photos", "labels.txt"):
        assert f"{path} is no output tree" in error(sgcampp.run("status", path))
    part = next((tree / "manifest").glob("*.jsonl"))
    part.write_text("garbage\n" + part.read_text())
    assert "line 1" in error(sgcampp.run("status", tree))
    (tree / "run.yaml").write_text("nsamples: 3\n")
    assert "was not written by this version" in error(sgcampp.run("status", tree))


@pytest.mark.parametrize(
    ("rate", "words"), [(512.3, "510 a second"), (9.46, "9.5 a second"), (0.0354, "0.035 a second")]
)
def test_rates_are_no_powers_of_ten(rate, words):
    assert a_second(rate) == words
