"""Whether axe-core finds a serious fault in the pages of an output tree, narrow and wide.

    python -m scripts.faults.axe OUT [--pictures DIRECTORY]

Installs axe-core from npm into a temporary directory and opens each page of OUT (report.html,
strategies.html, evaluation.html, filters.html) in headless Chromium, 390 and 1400 pixels wide; of
the report also the groups of its list and an open image, each by its address. A line a finding:
how bad, what, and the first elements. Fails for serious and critical ones, for errors in the
console, and for pages that scroll sideways.
"""

import argparse
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from selenium.webdriver import Chrome

from scripts.chromium import chromium

PAGES = ("report.html", "strategies.html", "evaluation.html", "filters.html")
WIDTHS = (390, 1400)
GRAVE = {"serious", "critical"}
RUN = "const done = arguments[0]; axe.run(document).then((found) => done(found.violations));"
SIDEWAYS = "return document.documentElement.scrollWidth > document.documentElement.clientWidth"
FIRST_OPEN = "openView(0); return location.hash"


def main() -> None:
    """Prints what is found, and exits with 1 if any of it is grave."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("out", type=Path)
    parser.add_argument("--pictures", type=Path, help="where to save a picture of each view")
    options = parser.parse_args()
    axe, grave = axe_core(), 0
    for width in WIDTHS:
        with chromium() as driver:
            size = {"width": width, "height": 900, "deviceScaleFactor": 1, "mobile": False}
            driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)
            for name, path in views(driver, options.out):
                found = [*faults(driver, axe)]
                grave += sum(how_bad in GRAVE for how_bad, _ in found)
                print(f"{path} {name or '(as it opens)'}, {width} pixels: {len(found)} findings")
                for how_bad, what in found:
                    print(f"  {how_bad}: {what}")
                if options.pictures:
                    options.pictures.mkdir(exist_ok=True)
                    target = f"{Path(path).stem}-{name.partition('=')[0].strip('#')}-{width}.png"
                    driver.save_screenshot(str(options.pictures / target))
    sys.exit(1 if grave else 0)


def axe_core() -> str:
    """The script, as npm has it."""
    with tempfile.TemporaryDirectory() as directory:
        install = ("npm", "install", "axe-core", "--silent", "--no-fund", "--no-audit")
        subprocess.run(install, cwd=directory, check=True)
        return Path(directory, "node_modules/axe-core/axe.min.js").read_text("utf-8")


def views(driver: Chrome, out: Path) -> Iterator[tuple[str, str]]:
    """Opens each page as it is, and at its addresses; (address, page)."""
    for page in PAGES:
        if not (out / page).exists():
            continue
        url = (out / page).absolute().as_uri()
        driver.get(url)
        yield "", page
        if page == "report.html":
            driver.execute_script("setFilters({ status: 'ok' }); applyFilters()")
            opened = driver.execute_script(FIRST_OPEN)
            for address in ("#group=class", opened):
                driver.get("about:blank")
                driver.get(url + address)
                yield address, page


def faults(driver: Chrome, axe: str) -> Iterator[tuple[str, str]]:
    """(how bad, what) of each finding in what is open."""
    driver.execute_script(axe)
    violations: list[dict[str, Any]] = driver.execute_async_script(RUN)
    for one in violations:
        where = ", ".join(str(node["target"]) for node in one["nodes"][:3])
        yield one["impact"], f"{one['id']}, {len(one['nodes'])} × {where}: {one['help']}"
    for line in driver.get_log("browser"):
        if line["level"] == "SEVERE":
            yield "serious", f"in the console: {line['message']}"
    if driver.execute_script(SIDEWAYS):
        yield "serious", "it scrolls sideways"


if __name__ == "__main__":
    main()
