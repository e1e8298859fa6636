import json
import os
from dataclasses import asdict, fields, replace
from pathlib import Path

import pytest

from sgcampp.config import value_types as kinds
from sgcampp.config.loading import as_yaml, load_config
from sgcampp.config.run_config import RunConfig
from sgcampp.errors import UserError
from sgcampp.run.run_file import run_yaml
from sgcampp.run.settling import differing_keys
from sgcampp.storage.local import LocalStore
from sgcampp.tree.run_record import RunRecord, read_run_yaml

KEYS = {key.name: key for key in fields(RunConfig)}
RECORD = RunRecord(
    model_fingerprint="of a model",
    layers=["conv"],
    batch_size=16,
    images_per_step=4,
    frozen=False,
    images=10,
    target_sha256=None,
    versions={"keras": "3"},
)


@pytest.fixture
def load(tmp_path):
    """Resolves a config of YAML text and flags."""

    def load(text, **flags):
        path = tmp_path / "given.yaml"
        path.write_text(text, "utf-8")
        return load_config(path, flags)

    return load


def refused(words, call, *args, **kwargs):
    with pytest.raises(UserError, match=words) as error:
        call(*args, **kwargs)
    assert "\n" not in str(error.value) and len(str(error.value)) < 600
    return str(error.value)


def test_a_flag_beats_the_file_which_beats_the_default(load):
    resolved = load("nsamples: 5\nstd_dev: 0.3\nregion: false\n", nsamples=7)
    assert (resolved.nsamples, resolved.std_dev, resolved.seed) == (7, 0.3, 0)
    assert load("recursive: true", recursive=False).recursive is False
    assert load("filters: [1, 2]", filters=[3]).filters == [3]
    assert load_config(None, {}) == RunConfig()


def test_defaults_are_not_shared_between_configs():
    RunConfig().write.append("arrays")
    assert RunConfig().write == ["arrays", "heatmaps", "overlays"]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("nsample: 3", r"given\.yaml: unknown key 'nsample'; did you mean 'nsamples'"),
        ("layer-name: x", "unknown key 'layer-name'; did you mean 'layer_name'"),
        ("Seed: 1", "unknown key 'Seed'; did you mean 'seed'"),
        ("xyzzy: 1", r"unknown key 'xyzzy'$"),
        ("3: x", r"unknown key 3$"),
        ("~: x", r"unknown key None$"),
        ("<<: {nsamples: 3}", "unknown key '<<'"),
    ],
)
def test_an_unknown_key_is_refused_with_the_nearest(load, text, words):
    refused(words, load, text)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("region: off", "region is 'off', accepted: true or false"),
        ("region: 'true'", "region is 'true', accepted: true or false"),
        ("region: 1", "region is 1, accepted: true or false"),
        ("nsamples: 010", "nsamples is '010', accepted: a whole number"),
        ("nsamples: 1_000", "nsamples is '1_000', accepted: a whole number"),
        ("nsamples: 5.0", "nsamples is 5.0, accepted: a whole number"),
        ("nsamples: true", "nsamples is True, accepted: a whole number"),
        ("nsamples: -1", "nsamples is -1, accepted: a whole number from 0"),
        ("nsamples: 1e3", "nsamples is 1000.0, accepted: a whole number"),
        ("nsamples: [1]", r"nsamples is \[1\], accepted: a whole number"),
        ("nsamples:", "nsamples is None, accepted: a whole number"),
        ("nsamples: 99999999999999999999", "nsamples is 9{20}, accepted: a whole number from 0"),
        ("seed: -1", "seed is -1, accepted: a whole number from 0"),
        ("seed: 9223372036854775808", "seed is 9223372036854775808, accepted: "),
        ("std_dev: .nan", "std_dev is nan, accepted: a finite number"),
        ("std_dev: .inf", "std_dev is inf, accepted: a finite number"),
        ("std_dev: 1e999", "std_dev is inf, accepted: a finite number"),
        ("std_dev: nan", "std_dev is 'nan', accepted: a finite number"),
        ("std_dev: -0.1", "std_dev is -0.1, accepted: a finite number >= 0"),
        ("std_dev: '0.1'", "std_dev is '0.1', accepted: a finite number"),
        ("scale: .nan", "scale is nan, accepted: a finite number"),
        ("mean: [.inf]", r"mean is \[inf\], accepted: numbers"),
        ("mean: 127.5", r"mean is 127.5, accepted: numbers, \[0.5, 1\]"),
        ("std: [a]", r"std is \['a'\], accepted: numbers"),
        ("subset: [(0,10),(12,12)]", r"subset is \['\(0', .*accepted: \[row, column\] pairs"),
        ("subset: [[0, 1, 2]]", r"subset is \[\[0, 1, 2\]\], accepted"),
        ("subset: [0, 1]", "accepted: .row, column. pairs"),
        ("subset: [[0, 1.5]]", "accepted: .row, column. pairs"),
        ("subset: []", r"subset is \[\], accepted"),
        ("region: true", "region needs subset"),
        ("filters: 10,32,3", "filters is '10,32,3', accepted: whole numbers, .10, 32, 3."),
        ("filters: []", r"filters is \[\], accepted"),
        ("filters: [1, 1]", "a feature map is named twice"),
        ("filters: {1: 2}", "filters is {1: 2}, accepted"),
        ("batch_size: 0", "batch_size is 0, accepted: auto or a whole number"),
        ("batch_size: big", "batch_size is 'big', accepted: auto"),
        ("target: -1", "target is -1, accepted: argmax, top3"),
        ("target: true", "target is True, accepted: argmax"),
        ("target: [1, -1]", r"target is \[1, -1\], accepted: argmax"),
        ("target: []", r"target is \[\], accepted: argmax"),
        ("model: ''", "model is '', accepted: text"),
        ("model: 16", "model is 16, accepted: text"),
        ("model:", "model is None, accepted: text"),
        ("sources: a.jpg", r"sources is 'a.jpg', accepted: texts, \[one, two\]"),
        ("sources: [1]", r"sources is \[1\], accepted: texts"),
        ("write: [array]", "write is 'array', accepted: one or several of arrays, errors"),
        ("write: [[arrays]]", r"write is \['arrays'\], accepted"),
        ("method: smooth_gradcam", "method is 'smooth_gradcam'.*did you mean 'smooth_grad_cam'"),
        ("method: {a: 1}", "method is {'a': 1}, accepted: all, or one or several"),
        ("score: log", "score is 'log', accepted: exp_logit or logit; did you mean 'logit'"),
        ("colormap: [jet]", r"colormap is \['jet'\], accepted: viridis or"),
        ("resize: fit", "resize is 'fit', accepted: stretch or crop"),
        ("overlay_alpha: 1.01", "overlay_alpha is 1.01, accepted: 0 to 1"),
        ("overlay_alpha: .nan", "overlay_alpha is nan, accepted"),
        ("png_compression: 10", "png_compression is 10, accepted: 0 to 9"),
        ("max_pixels: 0", "max_pixels is 0, accepted: 1 or more"),
        ("max_failures: -1", "max_failures is -1, accepted: a count"),
        ("max_failures: '5 %'", "max_failures is '5 %', accepted: a count like 100, or a share"),
    ],
)  # fmt: skip
def test_a_bad_value_names_the_file_the_key_and_what_is_accepted(load, text, words):
    message = refused(words, load, text)
    assert str(message).partition(": ")[0].endswith("given.yaml")


def test_a_flag_at_fault_is_not_blamed_on_the_file(load):
    message = refused("std_dev is -1", load, "std: [1]\nscale: 1\n", std_dev=-1)
    assert "given.yaml" not in message
    assert "given.yaml" not in refused("nsamples is -1", load, "nsamples: 3", nsamples=-1)


def test_a_huge_value_gives_a_short_sentence(load):
    refused("filters is", load, f"filters: [{'[1],' * 5000}]")
    refused("nsamples is", load, "nsamples: " + "9" * 10_000)
    refused("did you mean|unknown key", load, "n" * 900 + ": 3")


@pytest.mark.parametrize("key", KEYS)
@pytest.mark.parametrize("value", [object(), {"a": 1}, [None], [[]], (1,), 1j, b"x", ""])
def test_every_key_refuses_what_no_kind_takes(key, value):
    refused(f"^{key} is ", RunConfig, **{key: value})


@pytest.mark.parametrize("key", [name for name, key in KEYS.items() if key.default is not None])
def test_a_key_with_a_default_is_not_null(key):
    refused(f"^{key} is None", RunConfig, **{key: None})


@pytest.mark.parametrize(
    ("kind", "text", "value"),
    [
        ("WHOLE", "7", 7),
        ("NUMBER", "1e-3", 0.001),
        ("BATCH", "auto", "auto"),
        ("BATCH", "8", 8),
        ("TARGETS", "top3", ["top3"]),
        ("TARGETS", "281, n02123045,cat-vs-dog", [281, "n02123045", "cat-vs-dog"]),
        ("TEXTS", "a, b", ["a", "b"]),
        ("WHOLES", "10,32,3", [10, 32, 3]),
        ("WHOLES", " 10 , 32 ", [10, 32]),
        ("NUMBERS", "0.5,1", [0.5, 1.0]),
        ("PAIRS", "0,10 12,12", [[0, 10], [12, 12]]),
        ("FAILURES", "5%", "5%"),
        ("FAILURES", "5", 5),
    ],
)
def test_a_flag_s_text_is_the_value_that_yaml_would_give(kind, text, value):
    found = getattr(kinds, kind)
    assert found.from_text(text) == value
    assert found.check(value)


ODD = [
    "plain.jpg", "it's.jpg", 'a "quoted".jpg', "back\\slash\\u0041.jpg", "two\nlines\r.jpg",
    "tab\t.jpg", "colon: space #hash.jpg", "- dash", "true", "null", "1e-3", "010", "~", "[x]",
    "{y}", "*star", "&anchor", "!tag", "%percent", "@at", "`tick`", "übung.jpg", "画像.png",
    "🦀.jpg", "nbsp\u00a0.jpg", "sep\u2028\u2029.jpg", "nel\x85.jpg", "del\x7f.jpg",
    "bell\x07.jpg", "bom\ufeff.jpg", "private\ue000.jpg", "astral\U000f0000.jpg",
    "nonchar\uffff.jpg", os.fsdecode(b"caf\xe9.jpg"), os.fsdecode(b"\xff\xfe"),
    " leading", "trailing ", "a" * 5000,
]  # fmt: skip


@pytest.mark.parametrize("text", ODD, ids=ascii)
def test_any_text_survives_run_yaml(tmp_path, text):
    resolved = RunConfig(
        sources=[text, "x"], out=text, labels=text, layer_name=text, model=text, target=text
    )
    printed = as_yaml(asdict(resolved))
    assert len(printed.encode("utf-8").splitlines()) == 2 * len(KEYS)
    path = tmp_path / "run.yaml"
    path.write_bytes(run_yaml(resolved, replace(RECORD, layers=[text])))
    assert load_config(path, {}) == resolved
    values, record = read_run_yaml(LocalStore(tmp_path))
    assert record.layers == [text]
    assert differing_keys(resolved, RECORD.model_fingerprint, None, values, record) == []


def test_every_value_survives_run_yaml(tmp_path):
    resolved = RunConfig(
        model="m.keras", trusted=True, scale=1e-7, mean=[0.5, 1e22], std=[1 / 3], input_size=[8, 9],
        target=3, nsamples=12, std_dev=0.1 + 0.2, seed=2**63 - 1, filters=[3, 1],
        subset=[[0, 1], [2, 3]], region=True, batch_size=5, glob=["*.jpg"], write=["arrays"],
        max_failures="2.5%",
    )  # fmt: skip
    (tmp_path / "run.yaml").write_bytes(run_yaml(resolved, RECORD))
    assert load_config(tmp_path / "run.yaml", {}) == resolved
    assert load_config(tmp_path / "run.yaml", {"seed": 1}) == replace(resolved, seed=1)


def test_what_shapes_the_output_must_be_the_same_to_go_on(tmp_path):
    (tmp_path / "run.yaml").write_bytes(run_yaml(RunConfig(nsamples=3, std_dev=1), RECORD))
    values, record = read_run_yaml(LocalStore(tmp_path))

    def differing(model="of a model", **keys):
        resolved = RunConfig(**{"nsamples": 3, "std_dev": 1.0, **keys})
        return differing_keys(resolved, model, None, values, record)

    assert differing() == []
    assert differing(sources=["elsewhere"], out="o", batch_size=7) == []
    assert differing(nsamples=4, colormap="jet") == [
        "nsamples: 3 → 4",
        "colormap: 'viridis' → 'jet'",
    ]
    assert "weights" in differing(model="another")[0]


@pytest.mark.parametrize("text", ["", "nsamples: 3\n", "recorded: 3\n", "recorded: {layer: x}\n"])
def test_a_run_yaml_of_another_origin_is_refused(tmp_path, text):
    (tmp_path / "run.yaml").write_text(text)
    refused(
        "run.yaml: was not written by this version of sgcampp", read_run_yaml, LocalStore(tmp_path)
    )
    assert read_run_yaml(LocalStore(tmp_path / "elsewhere")) is None


def test_one_name_may_stand_for_a_list_of_it(load):
    resolved = load("method: grad_cam\nlayer_name: conv\ntarget: 3\nwrite: arrays\n")
    assert (resolved.method, resolved.layer_name) == (["grad_cam"], ["conv"])
    assert (resolved.target, resolved.write) == ([3], ["arrays"])


def test_across_multiplies_what_is_looked_at(load):
    text = "method: [grad_cam, gradient]\nlayer_name: [a, b]\nacross: {std_dev: [0.1, 0.2]}\n"
    looks = [
        (each.look.method.name, each.look.layer_name, each.across["std_dev"])
        for each in load(text).looks
    ]
    assert looks == [
        (method, layer, std_dev)
        for std_dev in (0.1, 0.2)
        for method, layer in (("grad_cam", "a"), ("grad_cam", "b"), ("gradient", None))
    ]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("across: {colormap: [jet]}", "across is .*accepted: values of nsamples"),
        ("across: {nsamples: 5}", "across is"),
        ("across: {nsamples: []}", "across is"),
        ("across: {nsamples: [-1]}", "nsamples is -1"),
        ("across: {score: [logits]}", "across is"),
        ("across: [nsamples]", "across is"),
    ],
)
def test_bad_values_across_are_refused(load, text, words):
    refused(words, load, text)


def test_yaml_and_json_agree_on_what_is_printed():
    for key in KEYS.values():
        value = getattr(RunConfig(), key.name)
        assert f"{key.name}: {json.dumps(value)}\n" in as_yaml(asdict(RunConfig()))


def test_a_config_that_cannot_be_read_is_named(tmp_path):
    refused("no.yaml: can't be read: No such file", load_config, tmp_path / "no.yaml", {})
    refused("can't be read: Is a directory", load_config, Path(tmp_path), {})
