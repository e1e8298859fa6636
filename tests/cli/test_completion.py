"""What shells complete: commands, flags, methods, models and layers."""

import shutil
import subprocess

import pytest
from click.shell_completion import BashComplete

import cli.main
from sgcampp.models.loading import load_model


def offered(*words):
    completion = BashComplete(cli.main.main, {}, "sgcampp", "_SGCAMPP_COMPLETE")
    return [item.value for item in completion.get_completions(list(words[:-1]), words[-1])]


@pytest.mark.parametrize(
    ("words", "some"),
    [
        (("ex",), ["explain"]),
        (("explain", "--nsam"), ["--nsamples"]),
        (("explain", "--method", "smooth_grad_cam"), ["smooth_grad_cam", "smooth_grad_cam_pp"]),
        (("explain", "--method", "cam,layer"), ["cam,layer_cam"]),
        (("compare", "--layer", "block15_expand_a"), ["block15_expand_act"]),
        (("explain", "--model", "vgg"), ["vgg16", "vgg19"]),
        (("explain", "--score", ""), ["exp_logit", "logit"]),
    ],
)
def test_words_are_offered(words, some):
    assert set(some) <= set(offered(*words))


def test_a_model_may_be_a_file():
    completion = BashComplete(cli.main.main, {}, "sgcampp", "_SGCAMPP_COMPLETE")
    found = completion.get_completions(["explain", "--model"], "mine/")
    assert [(item.value, item.type) for item in found] == [("mine/", "file")]


def test_the_embedded_models_layers_are_those_that_it_has():
    words = offered("explain", "--layer", "")
    assert words == [layer.address for layer in load_model("efficientnet-lite0").layers]


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_a_shell_takes_the_script(sgcampp, shell):
    result = sgcampp.run("completion", shell)
    assert result.exit_code == 0
    assert "_SGCAMPP_COMPLETE" in result.stdout
    if shutil.which(shell):
        check = subprocess.run([shell, "-n"], input=result.stdout, text=True, check=False)
        assert check.returncode == 0


def test_an_unknown_shell_is_refused(sgcampp):
    assert sgcampp.run("completion", "tcsh").exit_code == 2
