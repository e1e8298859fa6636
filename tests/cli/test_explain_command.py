import hashlib
import json

import cv2
import numpy as np
import pytest
import yaml

from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest

KINDS = {"arrays": "npy", "heatmaps": "png", "overlays": "png"}


def rows(out):
    return {row.key: row for row in read_manifest(LocalStore(out))}


def files(out):
    """(digest, inode) of every file below a directory; a file that is written anew has another."""
    return {
        str(path.relative_to(out)): (
            hashlib.sha256(path.read_bytes()).hexdigest(),
            path.stat().st_ino,
        )
        for path in out.rglob("*")
        if path.is_file() and "lock" not in path.name
    }


def lines(text):
    return [line.split("\t") for line in text.splitlines()]


def test_a_directory_becomes_an_output_tree(sgcampp, out):
    result = sgcampp.explain("photos", "--labels", "labels.txt", "--nsamples", "3")
    assert result.exit_code == 0, result.stderr
    keys = ["a.png", "b.png", "sub/c.png"]
    assert [line[0] for line in lines(result.stdout)] == keys
    for key, name, probability, overlay in lines(result.stdout):
        assert name in {"tabby cat", "dog", "goldfish", "water bird"}
        assert 0 <= float(probability) <= 1
        assert (out / overlay).is_file()
        for kind, extension in KINDS.items():
            assert (out / kind / f"{key}.{extension}").is_file()
        assert np.load(out / f"arrays/{key}.npy", allow_pickle=False).shape == (8, 8)
        assert cv2.imread(str(out / f"heatmaps/{key}.png")).shape == (12, 10, 3)
    assert set(rows(out)) == set(keys)
    assert "3 explained of 3 images" in result.stderr and str(out) in result.stderr
    assert yaml.safe_load((out / "run.yaml").read_text())["nsamples"] == 3


def test_json_is_the_manifest_s_rows(sgcampp, out):
    result = sgcampp.explain("mixed", "--json", "--nsamples", "2")
    assert result.exit_code == 1
    printed = {row["key"]: row for row in map(json.loads, result.stdout.splitlines())}
    recorded = [
        json.loads(line)
        for part in sorted((out / "manifest").glob("*.jsonl"))
        for line in part.read_text("ascii").splitlines()
    ]
    assert printed == {row["key"]: row for row in recorded}
    good = printed["a.png"]["maps"][0]
    assert good["method"] == "smooth_grad_cam_pp" and 1 <= good["ess"] <= 2
    assert good["files"]["arrays"] == "arrays/a.png.npy"
    digest = hashlib.sha256((out / "arrays/a.png.npy").read_bytes()).hexdigest()
    assert good["sha256"]["arrays"] == digest
    assert printed["empty.png"]["status"] == "failed" and printed["empty.png"]["maps"] == []


def test_corrupt_images_do_not_stop_the_others(sgcampp, out):
    result = sgcampp.explain("mixed")
    assert result.exit_code == 1
    assert [line[0] for line in lines(result.stdout)] == ["a.png", "z.png"]
    reasons = {key: row.reason for key, row in rows(out).items()}
    assert reasons == {
        "a.png": None,
        "broken.jpg": "corrupt",
        "empty.png": "empty",
        "text.png": "not_an_image",
        "z.png": None,
    }
    for key in ("broken.jpg", "empty.png", "text.png"):
        told = [line for line in result.stderr.splitlines() if key in line]
        assert len(told) == 1 and told[0].startswith(f"sgcampp: {key}: ")
        assert rows(out)[key].error in told[0] and reasons[key] in told[0]
    assert "2 explained, 3 failed of 5 images" in result.stderr
    assert "Traceback" not in result.stderr


def test_the_same_run_twice_goes_on_and_does_nothing_twice(sgcampp, out):
    assert sgcampp.explain("mixed", "--nsamples", "2").exit_code == 1
    before = files(out)
    again = sgcampp.explain("mixed", "--nsamples", "2")
    assert again.exit_code == 1
    assert again.stdout == ""
    assert "0 explained, 2 done before, 3 failed before" in again.stderr
    assert files(out) == before
    (out / "arrays/a.png.npy").unlink()
    third = sgcampp.explain("mixed", "--nsamples", "2")
    assert [line[0] for line in lines(third.stdout)] == ["a.png"]
    digests = {name: digest for name, (digest, _) in files(out).items() if "manifest" not in name}
    assert digests == {name: d for name, (d, _) in before.items() if "manifest" not in name}


def test_run_yaml_repeats_the_run(sgcampp, out, given, tmp_path):
    sgcampp.explain("photos", "--nsamples", "2", "--filters", "1,3", "--target", "2")
    again = sgcampp.run("explain", "--config", out / "run.yaml", "-o", tmp_path / "again")
    assert again.exit_code == 0, again.stderr
    for name, (digest, _) in files(out).items():
        if name.startswith(tuple(KINDS)):
            assert files(tmp_path / "again")[name][0] == digest
    onward = sgcampp.run("explain", "--config", out / "run.yaml")
    assert onward.exit_code == 0 and "3 done before" in onward.stderr


def test_another_config_in_the_same_output_is_refused_with_its_keys(sgcampp, out, error):
    assert sgcampp.explain("photos").exit_code == 0
    before = files(out)
    other = error(sgcampp.explain("photos", "--nsamples", "2", "--colormap", "jet"))
    assert "nsamples: 0 → 2" in other and "colormap: 'viridis' → 'jet'" in other
    assert "layer_name: None → ['pooled']" in error(
        sgcampp.explain("photos", "--layer-name", "pooled")
    )
    assert "weights, architecture or preprocessing" in error(
        sgcampp.explain("photos", "--scale", "0.02")
    )
    assert files(out) == before
    assert sgcampp.explain("photos", "--batch-size", "3").exit_code == 0


def test_sources_may_be_files_and_directories_together(sgcampp, out):
    result = sgcampp.explain("photos/b.png", "mixed/a.png", "photos/sub", "photos/sub/c.png")
    assert result.exit_code == 0, result.stderr
    assert {line[0] for line in lines(result.stdout)} == {
        "photos/b.png",
        "mixed/a.png",
        "photos/sub/c.png",
    }
    assert (out / "overlays/photos/sub/c.png.png").is_file()


def test_globs_and_depth_choose_images(sgcampp):
    result = sgcampp.explain("photos", "--glob", "a*,c*", "--no-recursive")
    assert [line[0] for line in lines(result.stdout)] == ["a.png"]


def test_the_output_tree_is_never_a_source(sgcampp, given, tmp_path):
    image = tmp_path / "x.png"
    image.write_bytes((given / "photos/a.png").read_bytes())
    for explained in (["x.png"], []):
        result = sgcampp.explain(tmp_path)
        assert [line[0] for line in lines(result.stdout)] == explained


def test_yaml_settings_and_flags_that_beat_them(sgcampp, out, tmp_path):
    config = tmp_path / "run.yaml"
    config.write_text(
        "sources: [photos]\nnsamples: 4\nlayer_name: features\nwrite: [arrays]\n"
        "subset: [[0, 1], [3, 4]]\nregion: true\n"
    )
    result = sgcampp.explain("--config", config, "--nsamples", "1", "--no-region")
    assert result.exit_code == 0, result.stderr
    recorded = yaml.safe_load((out / "run.yaml").read_text())
    assert (recorded["nsamples"], recorded["region"]) == (1, False)
    assert recorded["subset"] == [[0, 1], [3, 4]] and recorded["sources"] == ["photos"]
    saliency = np.load(out / "arrays/a.png.npy")
    assert set(zip(*np.nonzero(saliency), strict=True)) <= {(0, 1), (3, 4)}
    assert not (out / "overlays").exists()


def test_flags_may_be_spelt_as_the_keys(sgcampp, out):
    flags = ["--layer_name", "features", "--std_dev", "0.3", "--batch_size=2", "--no_recursive"]
    result = sgcampp.explain("photos/a.png", *flags)
    assert result.exit_code == 0, result.stderr
    recorded = yaml.safe_load((out / "run.yaml").read_text())
    assert recorded["layer_name"] == ["features"] and recorded["std_dev"] == 0.3
    assert recorded["batch_size"] == 2 and recorded["recursive"] is False


def test_regions_and_neurons_bound_the_map(sgcampp, tmp_path):
    def explained(name, *flags):
        run = sgcampp.explain("photos/a.png", "-o", tmp_path / name, "--target", "1", *flags)
        assert run.exit_code == 0, run.stderr
        return np.load(tmp_path / name / "arrays/a.png.npy")

    box = explained("box", "--subset", "3,4 0,1", "--region")
    assert box[:4, 1:5].any()
    assert not box[4:].any() and not box[:, 0].any() and not box[:, 5:].any()
    neurons = explained("neurons", "--subset", "0,1 3,4")
    assert set(zip(*np.nonzero(neurons), strict=True)) <= {(0, 1), (3, 4)}
    assert explained("all")[4:].any()


def test_filters_give_a_map_each_and_one_together(sgcampp, out):
    assert sgcampp.explain("photos/a.png", "--filters", "4,0").exit_code == 0
    assert sorted(path.name for path in (out / "arrays").iterdir()) == [
        "a.png.k000.npy",
        "a.png.k004.npy",
        "a.png.npy",
    ]
    maps = rows(out)["a.png"].maps
    assert [record.filters for record in maps] == [[4, 0], [4], [0]]
    assert [record.files["arrays"] for record in maps] == [
        "arrays/a.png.npy",
        "arrays/a.png.k004.npy",
        "arrays/a.png.k000.npy",
    ]


@pytest.mark.parametrize(
    ("target", "labels", "indices"),
    [
        ("2", False, [2]),
        ("dog", True, [1]),
        ("Water Bird", True, [3]),
        ("3", True, [3]),
        ("argmax", True, None),
    ],
)
def test_targets_are_indices_or_labels(sgcampp, out, target, labels, indices):
    flags = ["--labels", "labels.txt"] if labels else []
    assert sgcampp.explain("photos", "--target", target, *flags).exit_code == 0
    for row in rows(out).values():
        (record,) = row.maps
        if indices:
            assert record.class_idx in indices
        else:
            assert record.probability >= 0.25  # of four classes


def test_top_2_gives_two_ranked_maps_an_image(sgcampp, out):
    assert sgcampp.explain("photos", "--target", "top2", "--nsamples", "2").exit_code == 0
    for key, row in rows(out).items():
        first, second = row.maps
        assert first.class_idx != second.class_idx
        assert first.score >= second.score
        assert first.files["arrays"] == f"arrays/{key}.top1.npy"
        assert second.files["overlays"] == f"overlays/{key}.top2.png"


def test_a_wnid_is_a_class_of_the_embedded_model(sgcampp, out):
    image = "photos/a.png"
    result = sgcampp.run(
        "explain", image, "-o", "OUT", "--target", "n02123045", "--write", "arrays"
    )
    assert result.exit_code == 0, result.stderr
    (record,) = rows(out)["a.png"].maps
    assert record.class_idx == 281 and "tabby" in record.class_name
    assert record.layer == "head_act"


def test_that_noise_changes_nothing_is_said_once(sgcampp):
    result = sgcampp.run(
        "explain",
        "photos",
        "-o",
        "OUT",
        "--weights",
        "none",
        "--nsamples",
        "9",
        "--write",
        "arrays",
    )
    assert result.exit_code == 0
    assert result.stderr.count("affine in layer 'head_act'") == 1


def test_a_guessed_preprocessing_is_told_and_a_given_one_is_not(sgcampp):
    guessed = sgcampp.run("explain", "photos/a.png", "-o", "OUT", "--model", "m.keras")
    assert "raw RGB pixels 0..255" in guessed.stderr
    assert "raw RGB" not in sgcampp.explain("photos/b.png", "--overwrite").stderr


def test_names_that_are_not_utf_8_go_through(sgcampp, out, given, tmp_path):
    directory = tmp_path / "odd"
    directory.mkdir()
    for name in (b"caf\xe9.png", "ü\n.png".encode(), b"\x1b[31m.png"):
        path = directory.joinpath(name.decode("utf-8", "surrogateescape"))
        path.write_bytes((given / "photos/a.png").read_bytes())
    result = sgcampp.explain(directory)
    assert result.exit_code == 0, result.stderr
    assert len(result.stdout.splitlines()) == 3
    assert "\x1b" not in result.stdout
    sources = [path.name for path in directory.iterdir()]
    again = sgcampp.explain(*sorted(directory / name for name in sources), "--overwrite")
    assert again.exit_code == 0, again.stderr
    onward = sgcampp.explain(*sorted(directory / name for name in sources))
    assert "3 done before" in onward.stderr


def test_a_list_may_stand_in_several_flags(sgcampp):
    printed = sgcampp.run("config", "--glob", "*.jpg", "--glob", "*.png,*.gif", "--filters", "1,2")
    assert 'glob: ["*.jpg", "*.png", "*.gif"]' in printed.stdout
    assert "filters: [1, 2]" in printed.stdout
    repeated = sgcampp.run("config", "--subset", "0,1", "--subset", "3,4 5,6")
    assert "subset: [[0, 1], [3, 4], [5, 6]]" in repeated.stdout
