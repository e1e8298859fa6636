"""What a person does with the page of `sgcampp report` in a real browser."""

from selenium.common.exceptions import StaleElementReferenceException
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import Select, WebDriverWait

COUNT_CHANGES = """
    if (window.changes === undefined) {
      window.changes = 0;
      document.querySelector("form").addEventListener("change", () => { window.changes += 1; });
    }
    return window.changes"""


class Report:
    """What a person does with the page, and sees on it."""

    def __init__(self, driver, path):
        self.driver = driver
        driver.get(path.as_uri())

    def find(self, selector):
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def find_all(self, selector):
        return self.driver.find_elements(By.CSS_SELECTOR, selector)

    def wait(self, condition):
        """Until a condition holds; an element may be drawn anew while it is asked."""
        redrawn = [StaleElementReferenceException]
        return WebDriverWait(self.driver, 10, ignored_exceptions=redrawn).until(
            lambda _: condition()
        )

    @property
    def cards(self):
        return self.find_all("#cards button")

    @property
    def keys(self):
        return self.texts("#cards .key")

    def texts(self, selector):
        script = "return [...document.querySelectorAll(arguments[0])].map((e) => e.textContent)"
        return self.driver.execute_script(script, selector)

    def choose(self, name, value):
        """Picks from a list; the event comes a little later."""
        before = self.driver.execute_script(COUNT_CHANGES)
        select = Select(self.find(f"[name={name}]"))
        already = select.first_selected_option.get_attribute("value") == value
        select.select_by_value(value)
        self.wait(lambda: already or self.driver.execute_script("return changes") > before)

    def type(self, name, text):
        self.find(f"[name={name}]").send_keys(text)

    def open(self, number):
        self.cards[number].click()
        self.loaded()

    def loaded(self):
        self.wait(lambda: self.find("#above").get_property("complete"))
        self.wait(lambda: self.find("#layers").rect["width"] > 0)

    def value(self):
        return self.find("#value").text

    def press(self, *keys):
        ActionChains(self.driver).send_keys(*keys).perform()

    @property
    def focus(self):
        return self.driver.switch_to.active_element
