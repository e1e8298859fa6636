"""The page of an evaluation in a real browser: from disk, on wide and narrow screens."""

import pytest
from evaluation_example import AGAINST, HOSTILE, LAYERS, rows_of, summary_of, tree_of
from report_in_browser import Report
from selenium.webdriver.common.keys import Keys

from scripts import chromium
from sgcampp.report.evaluation_page import write_evaluation_page

pytestmark = pytest.mark.end_to_end

if not (chromium.is_there() or chromium.is_needed()):
    pytest.skip("needs Debian's chromium and chromium-driver", allow_module_level=True)

KEYS = [*(f"photos/{n:03d}.jpg" for n in range(29)), f"a {HOSTILE}\udce9.png"]
SMOOTH = "1"  # the second comparison: the smoothed method at the first layer
OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.fixture(scope="module")
def path(tmp_path_factory):
    out = tmp_path_factory.mktemp("evaluated") / "o ut"
    return write_evaluation_page(tree_of(out, KEYS), out, summary_of(), rows_of(KEYS), {"seed": 0})


@pytest.fixture(scope="module")
def browser():
    with chromium.chromium() as driver:
        yield driver


@pytest.fixture
def page(browser, path):
    report = Report(browser, path)
    yield report
    assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []


def keys_of(page, side):
    return page.texts(f"#{side} .key")


def test_the_selects_change_the_lists(page):
    assert page.texts("#better li") == ["It is better on no image."]
    page.choose("pair", SMOOTH)
    best = keys_of(page, "better")
    assert best[1:] == [f"photos/{n:03d}.jpg" for n in range(28, 19, -1)]
    assert best[0].endswith('\\u{202e}"&amp;\\xe9.png')
    assert keys_of(page, "worse")[0] == "photos/000.jpg"
    page.choose("metric", "1")
    assert keys_of(page, "better")[0] == "photos/000.jpg"
    said = page.find("#chosen").text
    assert all(word in said for word in ("insertion", "smooth_grad_cam_pp", AGAINST, LAYERS[0]))
    page.choose("metric", "2")
    assert page.texts("#better li") == ["It is better on no image."]
    assert page.find_all("img[src='x']") == []


def test_pictures_load_and_lead_to_their_files(page):
    page.choose("pair", SMOOTH)
    pictures = page.find_all("#better img, #worse img")
    assert len(pictures) == 40
    for picture in pictures:
        page.driver.execute_script("arguments[0].scrollIntoView()", picture)
        page.wait(lambda picture=picture: picture.get_property("naturalWidth") == 160)
    link = page.find("#better a")
    assert link.get_attribute("href").endswith("/overlays/029.2.png")
    assert page.find("#better .facts a").accessible_name.startswith("Panel of a <")


def test_missing_pictures_are_said_to_be(browser, path, tmp_path):
    copy = tmp_path / "copy.html"
    copy.write_bytes(path.read_bytes())
    page = Report(browser, copy)
    page.choose("pair", SMOOTH)
    page.driver.execute_script("document.querySelector('#better img').scrollIntoView()")
    page.wait(lambda: "the picture is missing" in page.find("#better").text)
    browser.get_log("browser")  # of the pictures that were not found


def test_runs_without_pictures_list_names_and_numbers(browser, tmp_path):
    tree = tree_of(tmp_path / "out", KEYS, pictures=False)
    path = write_evaluation_page(tree, tmp_path / "out", summary_of(), rows_of(KEYS), {})
    page = Report(browser, path)
    page.choose("pair", SMOOTH)
    assert len(page.find_all("#better .key")) == 10
    assert "the run wrote no pictures" in page.find("#chosen").text
    assert "37 against 50, a difference of −13 points" in page.find("#better").text
    assert page.find_all(".picture") == []


def test_by_keyboard_alone(page):
    page.driver.execute_script("document.querySelector('select').focus()")
    page.press(Keys.ARROW_DOWN)
    page.wait(lambda: keys_of(page, "better"))
    page.press(Keys.TAB, Keys.TAB)
    assert page.focus.tag_name == "a"
    details = page.find("details")
    page.driver.execute_script("arguments[0].querySelector('summary').focus()", details)
    page.press(Keys.ENTER)
    assert details.get_property("open")
    page.press(Keys.TAB)
    assert page.focus.get_attribute("role") == "region"


def test_every_control_and_picture_has_a_name(page):
    page.driver.execute_script("openAll()")
    for selector in ("select", "svg[role=img]", "[role=region]", "[role=group]", "summary"):
        found = page.find_all(selector)
        assert found
        assert [one.get_attribute("outerHTML") for one in found if not one.accessible_name] == []


def test_letters_of_charts_stay_within_them(page):
    outside = """
      return [...document.querySelectorAll("svg text")].filter((text) => {
        const box = text.getBBox();
        return box.x < 0 || box.x + box.width > 360;
      }).map((text) => text.textContent)"""
    assert page.driver.execute_script(outside) == []


@pytest.mark.parametrize("width", [390, 1400])
def test_the_page_never_scrolls_sideways(path, width):
    with chromium.chromium(max(width, 500), 900) as driver:
        size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
        driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
        page = Report(driver, path)
        assert driver.execute_script("return innerWidth") == width
        page.choose("pair", SMOOTH)
        assert driver.execute_script(OVERFLOW) <= 0
        driver.execute_script("openAll()")
        assert driver.execute_script(OVERFLOW) <= 0
        letters = "return Math.min(...[...document.querySelectorAll('svg text')].map((t) => "
        letters += "t.getBoundingClientRect().height))"
        assert driver.execute_script(letters) > 10
        assert driver.get_log("browser") == []
