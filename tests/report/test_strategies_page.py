"""The page of strategies: every number as text, every picture a link, names escaped."""

import numpy as np
import pytest
from report_page import Page
from strategy_tree import write_tree

from sgcampp.report.strategies_page import write_strategies_page
from sgcampp.strategies.findings import find_strategies, headline, sentence
from sgcampp.strategies.maps import Wanted, group_maps
from sgcampp.tree.open_tree import open_tree

HOSTILE = '<img src=x onerror="alert(1)">'


@pytest.fixture
def made(tmp_path):
    rng = np.random.default_rng(0)
    heat = rng.uniform(0, 0.05, (60, 5, 5))
    heat[:24, 4, 4] = heat[24:, 2, 2] = 1
    names = ["dog"] * 40 + [HOSTILE] * 20
    classes = [1] * 40 + [2] * 20
    out = write_tree(tmp_path / "o ut", heat, classes, names)
    groups, _ = group_maps(open_tree(out), Wanted())
    findings = [find_strategies(maps) for maps in groups]
    return findings, Page(write_strategies_page(open_tree(out), out, findings))


def test_all_that_was_found_is_text(made):
    findings, page = made
    assert "1 of 2 classes falls apart into several strategies" in page.text
    assert page.text.index("dog, grad_cam at late: 2 strategies") < page.text.index(HOSTILE)
    for finding in findings:
        assert headline(finding) in page.text
        for one in finding.strategies:
            assert sentence(one) in page.text
            assert f"{len(one.members)} images, mean probability 0.75" in page.text


def test_pictures_are_links_below_the_tree(made):
    _, page = made
    sources = [a["src"] for tag, a in page.tags if tag == "img"]
    assert len(sources) == 8 * 3  # the nearest of three strategies
    assert all(source.startswith("overlays/") for source in sources)
    assert len([tag for tag, a in page.tags if tag == "svg"]) == 3


def test_names_stay_text_and_nothing_is_loaded(made):
    _, page = made
    assert [a for tag, a in page.tags if "onerror" in a] == []
    assert {tag for tag, _ in page.tags} & {"script", "iframe", "link", "form"} == set()
