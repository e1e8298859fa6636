"""Findings in a real browser: means, groups, what is right, errors, metrics; links to all of it."""

import pytest
from findings_tree import METHODS, TAKEN, evaluate, find_strategies, write_tree
from report_in_browser import Report
from selenium.webdriver.common.keys import Keys
from selenium.webdriver.support.ui import Select

from scripts import chromium
from sgcampp.report.page import write_report
from sgcampp.strategies.findings import sentence

pytestmark = pytest.mark.end_to_end

if not (chromium.is_there() or chromium.is_needed()):
    pytest.skip("needs Debian's chromium and chromium-driver", allow_module_level=True)

SHOWN_MEANS = "return [...document.querySelectorAll('#means-list button')].map((b) => b.innerText)"


@pytest.fixture(scope="module")
def out(tmp_path_factory):
    return write_tree(tmp_path_factory.mktemp("findings") / "out")


@pytest.fixture(scope="module")
def found(out):
    return find_strategies(out)[0]


@pytest.fixture(scope="module")
def path(out, found):
    evaluate(out)
    return write_report(out).path


@pytest.fixture(scope="module")
def browser():
    with chromium.chromium() as driver:
        yield driver


@pytest.fixture
def report(browser, path):
    browser.get("about:blank")
    yield Report(browser, path)
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []


def means(report):
    texts = report.driver.execute_script(SHOWN_MEANS)
    return [tuple(line.strip() for line in text.split("\n") if line.strip()) for text in texts]


def test_means_lead_to_their_images(report):
    assert means(report) == [("cat", "5 images"), ("dog", "3 images"), ("two words", "1 image")]
    Select(report.find("#means-kind")).select_by_visible_text("each confusion")
    assert means(report) == [("cat taken for dog", "2 images"), ("dog taken for cat", "1 image")]
    Select(report.find("#means-series")).select_by_visible_text(f"{METHODS[1]} · late")
    report.find("#means-list button").click()
    assert report.keys == ["cat/4.png", "cat/5.png"]
    assert METHODS[1] in report.cards[0].text
    assert "labelled cat" in report.cards[0].text
    script = "return document.querySelector('.heat').toDataURL().length"
    assert report.driver.execute_script(script) > 100


def test_right_and_wrong(report):
    report.choose("truth", "right")
    assert len(report.cards) == 6
    report.choose("truth", "wrong")
    assert report.keys == ["cat/4.png", "cat/5.png", "dog/1.png"]
    report.choose("truth", "dog taken for cat")
    assert report.keys == ["dog/1.png"]
    report.choose("label", "cat")
    assert report.keys == []


def test_groups(report, found):
    headings = "#cards .group h3"
    report.choose("group", "class")
    assert report.texts(headings) == ["cat (5)", "dog (3)", "two words (1)"]
    assert len(report.find_all("#cards .group .heat")) == 3
    report.choose("group", "truth")
    expected = ["right (6)", "cat taken for dog (2)", "dog taken for cat (1)"]
    assert report.texts(headings) == expected
    report.choose("group", "strategy")
    says = [f"cat · grad_cam: {sentence(one)}" for one in found.strategies]
    assert report.texts(headings) == [f"{says[1]} (3)", f"{says[0]} (2)", "none (4)"]
    report.find_all("#cards .group button")[0].click()
    assert report.keys == ["cat/2.png", "cat/3.png", "dog/1.png"]
    assert report.find("[name=group]").get_property("value") == ""


def test_errors_and_metrics(report):
    report.choose("sort", "metric insertion")
    report.choose("direction", "-1")
    assert report.keys == [*TAKEN][::-1]
    assert "insertion 0.7656" in report.cards[1].text.replace("\xa0", " ")  # 7² / 64
    report.choose("method", METHODS[1])
    report.type("most", "3.5")
    assert report.keys == [*TAKEN][2::-1]
    report.choose("sort", "error")
    assert "± 3.0" in report.cards[0].text
    report.open(0)
    assert "± 3.0" in report.find("#what").text
    assert report.find("#beside").get_property("value") == "error"
    report.wait(lambda: report.find("#above-2").get_property("naturalWidth") == 40)
    assert "/error_heatmaps/" in report.find("#above-2").get_attribute("src")
    assert "insertion" in report.find("#row").text


def test_two_methods_under_one_slider(report):
    report.open(0)
    assert not report.find("#stage-2").is_displayed()
    Select(report.find("#beside")).select_by_value("1")
    report.wait(lambda: report.find("#layers-2").rect["width"] > 0)
    assert METHODS[1] in report.find("#what-2").text
    first, second = (report.find(f"#layers{side}").rect for side in ("", "-2"))
    assert (first["width"], first["height"]) == (second["width"], second["height"])
    assert second["x"] > first["x"] + first["width"]
    report.press(Keys.ARROW_RIGHT)
    assert METHODS[1] in report.find("#what-2").text
    Select(report.find("#beside")).select_by_value("")
    assert not report.find("#stage-2").is_displayed()


def test_the_address_is_a_link_to_what_is_seen(report, path):
    report.choose("truth", "cat taken for dog")
    report.choose("sort", "name")
    report.choose("direction", "-1")
    report.open(1)
    Select(report.find("#map")).select_by_value("1")
    address = report.driver.current_url
    assert address.endswith("&open=cat/4.png&map=2")
    report.driver.get("about:blank")
    report.driver.get(address)
    report.loaded()
    assert report.keys == ["cat/5.png", "cat/4.png"]
    assert report.find("#view-name").text == "cat/4.png"
    assert METHODS[1] in report.find("#what").text
    assert report.driver.current_url == address
    report.press(Keys.ESCAPE)
    report.wait(lambda: "open=" not in report.driver.current_url)
    report.driver.execute_script("location.hash = '#class=9+nobody&sort=size&most=x%ff&open=gone'")
    report.wait(lambda: len(report.cards) == 9)
    report.wait(lambda: report.driver.current_url in (path.as_uri(), path.as_uri() + "#"))
