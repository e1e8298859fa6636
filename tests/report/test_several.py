"""The report of several methods, layers, settings and classes, as data and in a real browser."""

import json

import numpy as np
import pytest
from report_page import Page
from several_run import METHODS, write_tree

from scripts import chromium
from sgcampp.report.overview import overview
from sgcampp.report.page import write_report
from sgcampp.storage.local import LocalStore
from sgcampp.tree.index import read_manifest
from sgcampp.tree.rows import OK, MapRow, Row


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    out = write_tree(tmp_path_factory.mktemp("several"))
    write_report(out)
    return out


def test_the_top_names_everything_that_was_varied(tmp_path):
    out = write_tree(tmp_path)
    text = (out / "run.yaml").read_text()
    settings = {"nsamples": [0, 5], "score": ["logit", "exp_logit"]}
    (out / "run.yaml").write_text(
        f"across: {json.dumps(settings)}\n"
        + "\n".join(line for line in text.splitlines() if not line.startswith("across:"))
    )
    page = Page(write_report(out).path)
    assert "layer early, late, input" in page.text
    assert "across nsamples: 0, 5; score: logit, exp_logit" in page.text


@pytest.mark.parametrize(
    "odd",
    ["sources: 5", "sources: [1, 2]", "sources: {a: 1}", "recursive: [1]", "method: {a: [1]}"],
)
def test_odd_settings_in_run_yaml_do_not_stop_the_report(tmp_path, odd):
    out = write_tree(tmp_path)
    name = odd.partition(":")[0]
    lines = (out / "run.yaml").read_text().splitlines()
    kept = [line for line in lines if not line.startswith(f"{name}:")]
    text = "\n".join([odd, *kept]).replace(str(tmp_path), "/moved")
    (out / "run.yaml").write_text(text)
    page = Page(write_report(out).path)
    assert len(page.images) == 4
    assert not any(image["there"] for image in page.images)


def test_odd_keys_are_images_that_are_not_there(tmp_path):
    out = write_tree(tmp_path)
    part = out / "manifest" / "part-00000.jsonl"
    keys = ["a\0b.png", "\ud800.png", "/etc/passwd", "x" * 5000, ""]
    rows = [{"key": key, "status": "ok", "bytes": 1} for key in keys]
    part.write_text("".join(json.dumps(row) + "\n" for row in rows))
    page = Page(write_report(out).path)
    assert [image["row"]["key"] for image in page.images] == keys
    assert not any(image["there"] for image in page.images)


def test_a_contrast_is_counted_apart_from_its_class():
    dog = {"class_idx": 1, "class_name": "dog"}
    contrast = MapRow(**dog, against_idx=2, against_name=None)
    rows = [
        Row("a", OK, maps=[MapRow(**dog), MapRow(**dog), contrast]),
        Row("b", OK, maps=[MapRow(**dog)]),
    ]
    assert overview(rows).top_classes() == [
        ("1 dog", "dog", 2),
        ("1 dog against 2 ", "dog against class 2", 1),
    ]


# ---- in a browser

if not (chromium.is_there() or chromium.is_needed()):
    pytest.skip("needs Debian's chromium and chromium-driver", allow_module_level=True)

from report_in_browser import Report  # noqa: E402
from selenium.webdriver.common.keys import Keys  # noqa: E402
from selenium.webdriver.support.ui import Select  # noqa: E402

browsing = pytest.mark.end_to_end


@pytest.fixture(scope="module")
def browser():
    with chromium.chromium() as driver:
        yield driver


@pytest.fixture
def report(browser, out):
    report = Report(browser, out / "report.html")
    yield report
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []


def options(report, name):
    return [option.text for option in Select(report.find(f"[name='{name}']")).options]


@browsing
def test_filters_for_whatever_varies(report):
    assert options(report, "method") == [
        "all",
        "grad_cam (2)",
        "smooth_grad (1)",
        "smooth_grad_cam_pp (1)",
    ]
    assert options(report, "layer") == ["all", "early (2)", "late (2)", "input (1)"]
    assert options(report, "across nsamples") == ["all", "0 (2)", "5 (2)"]
    assert options(report, "across subset") == ["all", "[[0,1]] (2)"]
    assert report.keys == ["a.png", "b.png", "c.png", "d.png"]
    report.choose("layer", "input")
    assert report.keys == ["a.png"]
    assert "smooth_grad · input" in report.cards[0].text
    report.choose("layer", "late")
    report.choose("'across nsamples'", "5")
    assert report.keys == ["a.png", "b.png"]
    assert "grad_cam · late · nsamples 5 · subset [[0,1]]" in report.cards[0].text
    report.choose("method", METHODS[1])
    assert report.keys == ["a.png"]


@browsing
def test_a_contrast_names_both_classes(report):
    assert options(report, "class") == ["all", "dog (2)", "dog against cat (1)"]
    report.choose("class", "1 dog against 2 cat")
    assert "dog against cat" in report.cards[0].text
    report.open(0)
    assert report.find("#what").text == "dog against cat · grad_cam · late"


@browsing
def test_every_map_is_shown_with_what_made_it(report, out):
    report.open(0)
    captions = [button.text for button in report.find_all("#strip button")]
    assert len(captions) == 11
    assert captions[1] == "dog · grad_cam · early · nsamples 5 · subset [[0,1]]"
    assert captions[8:] == [
        "dog against cat · grad_cam · late",
        "dog · smooth_grad · input",
        "Panel of all maps",
    ]
    maps = Select(report.find("#map"))
    assert maps.options[1].text == f"2. {captions[1]}"
    report.find("#strip li:nth-child(6) button").click()
    report.loaded()
    assert maps.first_selected_option.get_attribute("value") == "5"
    assert report.find("#what").text == captions[5]
    assert report.find("#strip [aria-pressed=true]").text == captions[5]
    row = next(row for row in read_manifest(LocalStore(out)) if row.key == "a.png")
    assert row.maps[5].files["overlays"] in report.find("#above").get_attribute("src")
    assert "nsamples: 5" in report.find("#row").text


@browsing
def test_raw_values_have_the_grid_of_their_own_map(report, out):
    row = next(row for row in read_manifest(LocalStore(out)) if row.key == "a.png")
    report.open(0)
    for number, place in ((0, "neuron (5, 7)"), (9, "pixel (35, 39)")):
        Select(report.find("#map")).select_by_value(str(number))
        report.loaded()
        report.driver.execute_script("arguments[0].focus()", report.find("#stage"))
        report.press(*[Keys.ARROW_DOWN, Keys.ARROW_RIGHT] * 25)
        assert place in report.value()
        last = np.load(out / row.maps[number].files["arrays"])[-1, -1]
        assert float(report.value().split()[2]) == pytest.approx(float(last), rel=1e-3)


@browsing
def test_the_panel_is_shown_alone(report):
    report.open(0)
    Select(report.find("#map")).select_by_visible_text("Panel of all maps")
    report.loaded()
    assert report.find("#above").get_attribute("src").endswith("/panels/a.png.png")
    assert not report.find("#below").is_displayed()
    assert "panel" in [link.text for link in report.find_all("#files a")]
    report.driver.execute_script("arguments[0].focus()", report.find("#stage"))
    report.press(Keys.ARROW_DOWN)
    assert report.value() == "Choose a map for its raw values."


@browsing
def test_an_image_without_maps_says_why(report):
    card = report.cards[2]
    assert "no class is more probable than 0.9" in card.text
    assert "no map" in card.text
    card.click()
    assert not report.find("#pictures").is_displayed()
    assert "no class is more probable" in report.find("#row").text


@browsing
def test_a_run_of_panels_alone_opens_on_the_panel(browser, tmp_path):
    report = Report(browser, write_report(write_tree(tmp_path, write=["panels"])).path)
    assert report.find("#cards img").get_attribute("src").endswith("/panels/a.png.png")
    report.open(0)
    assert report.find("#above").get_attribute("src").endswith("/panels/a.png.png")
    assert Select(report.find("#map")).first_selected_option.text == "Panel of all maps"
    assert not report.find("#strip").is_displayed()
    Select(report.find("#map")).select_by_value("1")
    report.loaded()
    assert report.find("#above").get_attribute("src").endswith("/panels/a.png.png")
    assert "nsamples 5" in report.find("#what").text
    report.press(Keys.ESCAPE)


@browsing
def test_a_target_file_becomes_the_classes_of_the_image(browser, tmp_path):
    """The file names images by keys that an image alone does not have."""
    report = Report(browser, write_report(write_tree(tmp_path, target_sha256="0" * 64)).path)
    report.open(0)
    words = report.find("#command").get_property("textContent").split()
    assert words[words.index("--target") + 1] == "1,1-vs-2"
