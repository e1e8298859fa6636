"""The page of strategies in a real browser: from disk, on wide and narrow screens."""

import numpy as np
import pytest
from report_in_browser import Report
from strategy_tree import write_tree

from scripts import chromium
from sgcampp.report.strategies_page import write_strategies_page
from sgcampp.strategies.findings import find_strategies
from sgcampp.strategies.maps import Wanted, group_maps
from sgcampp.tree.open_tree import open_tree

pytestmark = pytest.mark.end_to_end

if not (chromium.is_there() or chromium.is_needed()):
    pytest.skip("needs Debian's chromium and chromium-driver", allow_module_level=True)

OVERFLOW = "return document.documentElement.scrollWidth - document.documentElement.clientWidth"


@pytest.mark.parametrize("width", [390, 1400])
def test_it_opens_without_an_error_and_fits(tmp_path, width):
    heat = np.random.default_rng(0).uniform(0, 0.05, (40, 5, 5))
    heat[:15, 4, 4] = heat[15:, 2, 2] = 1
    out = write_tree(tmp_path / "out", heat, class_name="a_name_" * 12)
    groups, _ = group_maps(open_tree(out), Wanted())
    path = write_strategies_page(open_tree(out), out, [find_strategies(m) for m in groups])
    with chromium.chromium() as browser:
        browser.set_window_size(width, 900)
        page = Report(browser, path)
        assert browser.execute_script(OVERFLOW) <= 0
        assert len(page.find_all("svg.heat")) == 2
        script = "return [...document.images].every((i) => i.loading === 'lazy')"
        assert browser.execute_script(script)
        page.wait(lambda: browser.execute_script("return document.images[0].naturalWidth") == 1)
        assert [line for line in browser.get_log("browser") if line["level"] == "SEVERE"] == []
