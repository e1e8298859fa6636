"""What a user can get wrong: one sentence on stderr, exit code 2, no traceback, nothing written."""

import pytest

WRONG = {
    "unknown layer": (["--layer-name", "featuers"], "no layer 'featuers'; did you mean 'features'"),
    "layer without maps": (["--layer-name", "dense"], "layer 'dense' has an output [12]"),
    "class beyond the last": (["--target", "4"], "class 4 does not exist: the model has 4 classes"),
    "more classes than there are": (["--target", "top5"], "top5 asks for more than the model's 4"),
    "far more": (["--target", "top50"], "top50 asks for more than the model's 4 classes"),
    "unknown label": (
        ["--target", "dgo", "--labels", "labels.txt"],
        "unknown class 'dgo'; did you mean 'dog'",
    ),
    "label without labels": (["--target", "dog"], "the model has no labels"),
    "negative class": (["--target", "-1"], "target is '-1'"),
    "missing model": (["--model", "mm.keras"], "mm.keras does not exist"),
    "unknown model": (["--model", "efficientnet-lite1"], "did you mean 'efficientnet-lite0'"),
    "model is a directory": (["--model", "photos"], "photos is a directory: a SavedModel"),
    "model is no model": (["--model", "labels.txt"], "unknown model 'labels.txt'"),
    "filter beyond the last": (["--filters", "0,5"], "filters has 5, but layer 'features' has 5"),
    "negative filter": (["--filters", "-1"], "filters has -1, but layer 'features' has 5"),
    "filters twice": (["--filters", "1,1"], "named twice"),
    "filters no numbers": (["--filters", "a"], "filters is 'a', accepted: whole numbers"),
    "filters as in YAML": (["--filters", "[0, 1]"], "10,32,3 as a flag"),
    "no filters": (["--filters", ""], "filters is []"),
    "neuron outside": (["--subset", "0,8"], "neuron (0, 8), but layer 'features' has 8 rows and 8"),
    "negative neuron": (["--subset", "0,-1"], "neuron (0, -1), but layer 'features'"),
    "subset no pairs": (["--subset", "0,1 3"], "subset is [[0, 1], [3]], accepted: [row, column]"),
    "subset as in Python": (["--subset", "(0,1)"], "'0,10 12,12' as a flag"),
    "region without corners": (["--region"], "region needs subset to be the two corners"),
    "region of three": (["--region", "--subset", "0,0 1,1 2,2"], "region needs subset"),
    "std_dev NaN": (["--std-dev", "nan"], "std_dev is nan, accepted: a finite number"),
    "std_dev inf": (["--std-dev", "inf"], "std_dev is inf, accepted: a finite number"),
    "std_dev negative": (["--std-dev", "-0.1"], "std_dev is -0.1, accepted: a finite number >= 0"),
    "std_dev no number": (["--std-dev", "x"], "std_dev is 'x', accepted: a finite number"),
    "n negative": (["--nsamples", "-1"], "nsamples is -1, accepted: a whole number from 0"),
    "n broken": (["--nsamples", "1.5"], "nsamples is '1.5', accepted: a whole number"),
    "n endless": (["--nsamples", "9999999999"], "nsamples is 9999999999, accepted"),
    "seed negative": (["--seed", "-1"], "seed is -1, accepted: a whole number from 0"),
    "method": (
        ["--method", "gradcam"],
        "method is 'gradcam', accepted: all, or one or several of smooth_grad_cam_pp, grad_cam_pp",
    ),
    "choice": (["--score", "softmax"], "score is 'softmax', accepted: exp_logit or logit"),
    "batch size": (["--batch-size", "0"], "batch_size is 0, accepted: auto or a whole number"),
    "writer": (["--write", "array"], "write is 'array', accepted: one or several of arrays"),
    "colour map": (["--colormap", "virids"], "did you mean 'viridis'"),
    "opacity": (["--overlay-alpha", "2"], "overlay_alpha is 2.0, accepted: 0 to 1"),
    "compression": (["--png-compression", "10"], "png_compression is 10, accepted: 0 to 9"),
    "scale": (["--scale", "0"], "scale is 0"),
    "mean": (["--mean", "nan"], "mean is [nan], accepted: numbers"),
    "mean of two": (["--mean", "1,2"], "mean has 2 values"),
    "std": (["--std", "0"], "std (0.0,) holds a zero"),
    "preprocessing": (["--preprocess", "vgg61"], "unknown preprocessing 'vgg61'"),
    "channels": (["--channel-order", "grey"], "takes 3 channels"),
    "input size": (["--input-size", "16"], "takes 8×8 images only, not input_size 16×16"),
    "input size of three": (["--input-size", "8,8,3"], "input_size [8, 8, 3] must be height and"),
    "labels missing": (["--labels", "none.txt"], "none.txt can't be read: No such file"),
    "labels too many": (["--labels", "more.txt"], "more.txt has 5 names, m.keras has 4 classes"),
    "output": (["--output-name", "mood"], "no output 'mood'"),
    "weights for a file": (["--weights", "none"], "m.keras brings its own weights"),
    "unknown key": (["--config", "unknown.yaml"], "unknown key 'nsample'; did you mean 'nsamples'"),
    "bad value in a file": (["--config", "value.yaml"], "value.yaml: std_dev is nan"),
    "no YAML": (["--config", "more.txt"], "more.txt: "),
    "config missing": (["--config", "none.yaml"], "none.yaml: can't be read: No such file"),
    "config is a directory": (["--config", "photos"], "photos: can't be read: Is a directory"),
    "config is no text": (["--config", "m.keras"], "m.keras: is not UTF-8 text"),
    "source missing": (["none.jpg"], "source 'none.jpg': No such file"),
    "one source missing": (["photos", "none"], "source 'none': No such file"),
    "nothing matches": (["photos", "--glob", "*.gif"], "no images in photos"),
    "empty directory": (["empty"], "no images in empty: name other sources"),
    "out is a file": (["-o", "labels.txt"], "labels.txt can't be an output directory"),
    "out below a file": (["-o", "labels.txt/x"], "labels.txt/x can't be an output directory"),
    "out is nothing": (["-o", ""], "out is ''"),
}


@pytest.mark.parametrize("wrong", WRONG)
def test_one_sentence_and_nothing_written(sgcampp, given, out, error, wrong):
    (given / "more.txt").write_text("a\nb\nc\nd\ne\n")
    (given / "unknown.yaml").write_text("nsample: 3\n")
    (given / "value.yaml").write_text("std_dev: .nan\n")
    flags, words = WRONG[wrong]
    sources = [] if any(not flag.startswith("-") for flag in flags[:1]) else ["photos"]
    assert words in error(sgcampp.explain(*sources, *flags))
    assert not [path for path in out.rglob("*") if path.is_file() and "lock" not in path.name]


def test_what_is_missing_is_named(sgcampp, error):
    assert "no output directory: give -o OUT" in error(sgcampp.run("explain", "photos"))
    assert "no source given" in error(sgcampp.explain())


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["explain", "--layer-nam", "x"], "No such option '--layer-nam'"),
        (["explain", "--nsample", "3"], "No such option '--nsample'"),
        (["explain", "--nsamples"], "requires an argument"),
        (["explain", "--shard", "3/2"], "'3/2' is no shard"),
        (["explain", "--shard", "1/2", "--workers", "2"], "--workers goes without --shard"),
        (["explain", "--workers", "2", "--scheduler", "tcp://a:1"], "--workers goes without --sch"),
        (["explain", "--scheduler", "here"], "accepted: an address such as tcp://"),
        (["explain", "--scheduler", ""], "accepted: an address such as tcp://"),
        (["explan"], "No such command 'explan'"),
        (["layers"], "Missing argument 'MODEL'"),
        (["status"], "Missing argument 'OUT'"),
        (["models", "extra"], "unexpected extra argument"),
        (["--verbose"], "No such option '--verbose'"),
    ],
)
def test_unknown_words_give_click_s_usage(sgcampp, words, said):
    result = sgcampp.run(*words)
    assert result.exit_code == 2
    assert said in result.stderr and "Traceback" not in result.stderr
    assert result.stdout == ""


def test_debug_shows_where_an_error_comes_from(sgcampp):
    from sgcampp.errors import UserError

    with pytest.raises(UserError, match="nsamples is -1"):
        sgcampp.run("--debug", "explain", "photos", "-o", "OUT", "--nsamples", "-1")


PROCESSES = {
    "an error in a config": ["explain", "photos", "-o", "{out}", "--std-dev", "nan"],
    "an error in the model": [
        "explain", "photos", "-o", "{out}", "--model", "m.keras", "--scale", "1",
        "--layer-name", "featuers",
    ],
    "an unknown flag": ["explain", "photos", "--nope"],
}  # fmt: skip


@pytest.mark.end_to_end
@pytest.mark.parametrize("case", PROCESSES)
def test_a_process_ends_with_2_and_no_traceback(process, out, case):
    result = process(*[word.format(out=out) for word in PROCESSES[case]])
    said = result.stderr.decode()
    assert result.returncode == 2 and result.stdout == b""
    assert "Traceback" not in said
    if case != "an unknown flag":
        assert len(said.splitlines()) == 1 and said.startswith("sgcampp: ")


@pytest.mark.end_to_end
def test_a_process_ends_with_1_if_images_failed(process, out):
    result = process("explain", "mixed", "-o", out, "--model", "m.keras", "--scale", "0.01")
    said = result.stderr.decode()
    assert result.returncode == 1
    assert len(result.stdout.decode().splitlines()) == 2
    assert all(line.startswith("sgcampp: ") for line in said.splitlines()), said
    assert len(said.splitlines()) == 5 and "2 explained, 3 failed of 5 images" in said
