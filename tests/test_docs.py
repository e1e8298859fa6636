"""The documentation holds: its blocks run, its links lead somewhere, and it is complete."""

import dataclasses
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path

import cv2
import pytest
import yaml
from click.testing import CliRunner

import sgcampp
from cli.main import COMMANDS, main
from sgcampp.config.loading import load_config
from sgcampp.evaluation.rows import EvaluationRow
from sgcampp.explain.flat_reasons import FLAT_REASONS, NO_ERROR_REASONS
from sgcampp.explain.methods import METHODS
from sgcampp.images.faults import Reason
from sgcampp.tree.paths import KINDS
from sgcampp.tree.rows import MapRow, Row
from sgcampp.tree.run_record import RunRecord

pytestmark = pytest.mark.end_to_end

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
PAGES = {str(p.relative_to(ROOT)): p for p in [ROOT / "README.md", *sorted(DOCS.rglob("*.md"))]}
MORE_PAGES = [ROOT / "CONTRIBUTING.md", ROOT / "CHANGELOG.md"]
BY_CI = ("make demo", "make test", "make figures MODEL=efficientnet-lite0", "pip install .")

BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
CODE = re.compile(r"`([^`\n]+)`")
LINK = re.compile(r"\]\((?!https?:)([^)#\s]+)")
SCRIPT = re.compile(r"scripts/[\w/]+\.py|(?<=python -m )scripts[\w.]+\w")
FLAG = re.compile(r"(?<!\S)--([a-z][a-z-]+)")
EXTERNAL = re.compile(r"""<(script|img|link|iframe)[^>]+(src|href)=["']?(https?:)?//|url\(http""")

MADE = {
    "README.md": {"out/maps/arrays/*.npy": 2 * 4, "out/top3/overlays/*.png": 2 * 3},
    "docs/targets.md": {
        "out/several/arrays/*.npy": 2 * 3,
        "out/contrast/arrays/*.npy": 2,
        "out/labelled/arrays/*.npy": 2,
        "out/wheels/arrays/*.npy": 2 * 2,
    },
    "docs/comparing.md": {
        "out/methods/panels/*.png": 2,
        "out/layers/panels/*.png": 2,
        "out/n/panels/*.png": 2,
        "out/all/report.html": 1,
    },
}
"""Files that a page's commands leave behind, and how many of them."""

TRUE = {
    "README.md": [
        "saliency.shape == (14, 14)",
        "picture.shape == image.shape",
        "'cat' in classifier.class_name(found.class_idx[0])",
    ],
    "docs/index.md": ["picture.shape == image.shape"],
    "docs/targets.md": [
        "three.maps.shape == (1, 3, 7, 7)",
        "three.class_idx[0, :2].tolist() == [contrast.class_idx[0], contrast.against_idx[0]]",
        "tabby.class_idx == of_each.class_idx == 281",
    ],
    "docs/comparing.md": ["found.layer_name == layers[1]", "found.method == methods[1]"],
}
"""What holds after a page's Python has run."""


def blocks(page):
    """(language, text) of the page's fenced blocks, in their order."""
    return BLOCK.findall(page.read_text())


def path_of(script):
    """The file of `scripts/a/b.py`, or of the module `scripts.a.b`."""
    return ROOT / (script if script.endswith(".py") else f"{script.replace('.', '/')}.py")


def commands(block):
    lines = [line.partition(" #")[0].strip() for line in block.splitlines()]
    return [line for line in lines if line]


def described(page):
    """All code of a page: inline, and line by line of its commands."""
    text = page.read_text()
    inline = CODE.findall(BLOCK.sub("", text))
    of_shell = [block for language, block in blocks(page) if language == "sh"]
    return [*inline, *(command for block in of_shell for command in commands(block))]


def small_models(home):
    """The files of the page on targets: a binary, a multi-label and a two-headed classifier."""
    import keras

    layers = keras.layers
    image = keras.Input((32, 32, 3))
    seen = layers.Conv2D(8, 3, activation="relu", name="conv")(image)
    pooled = layers.Flatten()(layers.MaxPooling2D(6)(seen))
    hidden = layers.Dense(8, activation="relu")(pooled)

    def head(classes, activation, name):
        return layers.Dense(classes, activation=activation, name=name)(hidden)

    keras.Model(image, head(1, "sigmoid", "ill")).save(home / "binary.keras")
    keras.Model(image, head(3, "sigmoid", "parts")).save(home / "tags.keras")
    both = {"kind": head(4, "softmax", "kind"), "mood": head(3, "softmax", "mood")}
    keras.Model(image, both).save(home / "two_heads.keras")
    (home / "tags.txt").write_text("wheel\nwindow\ndoor\n")


@pytest.fixture
def newcomer(tmp_path, photographs, monkeypatch):
    """A directory as the pages assume it, and the working directory for a test."""
    home = tmp_path / "newcomer"
    (home / "photos").mkdir(parents=True)
    for name in ("chelsea", "rocket"):
        small = cv2.resize(photographs[name], (160, 120), interpolation=cv2.INTER_AREA)
        cv2.imwrite(str(home / "photos" / f"{name}.jpg"), small[..., ::-1])
    cv2.imwrite(str(home / "photo.jpg"), photographs["chelsea"][..., ::-1])
    (home / "ordinary").mkdir()
    for i in range(24):
        cut = photographs["coffee"][10 * i : 10 * i + 120, 8 * i : 8 * i + 120]
        cv2.imwrite(str(home / "ordinary" / f"{i}.png"), cut[..., ::-1])
    (home / "run.yaml").write_text((ROOT / "configs" / "smoke.yaml").read_text())
    (home / "classes.csv").write_text("image,class\nchelsea.jpg,tabby\nrocket.jpg,missile\n")
    small_models(home)
    monkeypatch.chdir(home)
    return home


def run_command(command):
    program, *arguments = shlex.split(command)
    if program == "python":
        words = [str(ROOT / word) if word.startswith("examples/") else word for word in arguments]
        path = {**os.environ, "PYTHONPATH": str(ROOT)}
        subprocess.run([sys.executable, *words], env=path, check=True)
        return
    assert program == "sgcampp", command
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 0, (command, result.output)


def check_config(text, home):
    file = home / "block.yaml"
    file.write_text(text)
    load_config(file, {})


@pytest.mark.parametrize("page", PAGES)
def test_every_block_runs_in_its_order(page, newcomer):
    names: dict = {}
    for language, text in blocks(PAGES[page]):
        if language == "python":
            exec(compile(text, page, "exec"), names)
        elif language == "yaml":
            check_config(text, newcomer)
        elif language == "sh":
            for command in commands(text):
                if command not in BY_CI:
                    run_command(command)
        else:
            assert language == "text", f"{page} has a block of {language}, which nothing checks"
    for pattern, count in MADE.get(page, {}).items():
        assert len(list(newcomer.glob(pattern))) == count, pattern
    for statement in TRUE.get(page, []):
        assert eval(statement, names), statement


def test_make_and_ci_run_the_other_commands():
    makefile, ci = (ROOT / "Makefile").read_text(), (ROOT / ".ci" / "run").read_text()
    assert "scripts/try_wheel " in ci
    ci += (ROOT / "scripts" / "try_wheel").read_text()
    for command in BY_CI:
        program, target = command.split()[:2]
        assert program == "pip" or f"\n{target}:" in makefile
    assert "make demo\n" in ci and "make test\n" in ci and "/pip install" in ci


def test_every_command_stands_in_the_readme():
    text = PAGES["README.md"].read_text()
    for name in COMMANDS:
        assert f"sgcampp {name}" in text, name


@pytest.mark.parametrize("page", [*PAGES.values(), *MORE_PAGES], ids=lambda page: page.name)
def test_links_and_named_files_are_there(page):
    text = page.read_text()
    for link in LINK.findall(text):
        assert (page.parent / link).exists(), link
    for script in SCRIPT.findall(text):
        assert path_of(script).exists(), script


@pytest.mark.parametrize("page", PAGES)
def test_flags_exist(page):
    of_command = {name: set(main.get_command(None, name).params) for name in COMMANDS}
    known = {
        name: {flag for param in params for flag in (*param.opts, *param.secondary_opts)}
        for name, params in of_command.items()
    }
    anywhere = {"--debug", "--help", "--version"}.union(*known.values())
    for code in described(PAGES[page]):
        words = code.split()
        script = SCRIPT.search(code)
        own = known.get(words[1]) if words[0] == "sgcampp" and len(words) > 1 else None
        for name in FLAG.findall(code):
            if script:
                assert f'"--{name}"' in path_of(script[0]).read_text(), code
            elif words[0] == "sgcampp" or code.startswith("--"):
                assert f"--{name}" in (own or anywhere), code


def words_of(page):
    """What stands between backquotes on a page, whole and word by word."""
    codes = CODE.findall((DOCS / page).read_text())
    return {*codes, *(word for code in codes for word in code.split())}


def test_the_output_tree_is_described_completely():
    fields = {
        f.name for kind in (Row, MapRow, RunRecord, EvaluationRow) for f in dataclasses.fields(kind)
    }
    reasons = {reason.value for reason in Reason} | {*FLAT_REASONS, *NO_ERROR_REASONS} - {""}
    assert not (fields | reasons) - words_of("output-tree.md")
    text = (DOCS / "output-tree.md").read_text()
    assert not [kind for kind in KINDS if f"out/{kind}/" not in text]


def test_every_method_has_a_section():
    text = (DOCS / "methods.md").read_text()
    assert set(METHODS) == set(re.findall(r"^### `(\w+)`", text, re.MULTILINE))


def test_every_public_name_is_described():
    text = (DOCS / "python-api.md").read_text()
    assert sorted(sgcampp.__all__) == sorted(re.findall(r"^::: sgcampp\.(\w+)", text, re.MULTILINE))


def test_the_site_is_built(tmp_path):
    """Without a warning, with the docstrings in it, and with nothing to load from a network."""
    command = [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    api = (tmp_path / "python-api.html").read_text()
    assert "effective sample size" in api and "Raises:" in api
    for page in yaml.safe_load((ROOT / "mkdocs.yml").read_text())["nav"]:
        built = tmp_path / next(iter(page.values())).replace(".md", ".html")
        assert not EXTERNAL.search(built.read_text()), built.name
    for style in tmp_path.rglob("*.css"):
        assert not EXTERNAL.search(style.read_text()), style
