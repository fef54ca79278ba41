"""A real browser: what is pressed in it, what it asked for, and pictures of what it shows."""

import json
import shutil
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from selenium import webdriver
from selenium.common.exceptions import NoSuchElementException, StaleElementReferenceException
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.wait import WebDriverWait

import kept
from world import DEADLINE

FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--window-size=1100,900",
)

# In the page: the contrast of what is written with what it is written on (WCAG 2.2, 1.4.3), for each selector.
CONTRAST = """
const light = ([r, g, b]) => [r, g, b].map(c => c / 255)
  .map(c => c <= 0.04045 ? c / 12.92 : ((c + 0.055) / 1.055) ** 2.4)
  .reduce((sum, c, i) => sum + c * [0.2126, 0.7152, 0.0722][i], 0);
const rgb = text => text.match(/[\\d.]+/g).map(Number);
const back = element => {
  for (; element; element = element.parentElement) {
    const colour = rgb(getComputedStyle(element).backgroundColor);
    if (colour.length === 3 || colour[3] > 0) return colour;
  }
  return [255, 255, 255];
};
return arguments[0].map(selector => {
  const element = document.querySelector(selector);
  const [one, other] = [light(rgb(getComputedStyle(element).color)), light(back(element))];
  return [selector, (Math.max(one, other) + 0.05) / (Math.min(one, other) + 0.05)];
});
"""


class Chrome:
    """Debian's Chromium with a profile of its own."""

    def __init__(self, folder: Path) -> None:
        chromium, driver = shutil.which("chromium"), shutil.which("chromedriver")
        if not chromium or not driver:
            pytest.skip("needs chromium and chromedriver; tests/run installs them")
        options = webdriver.ChromeOptions()
        options.binary_location = chromium
        options.set_capability("goog:loggingPrefs", {"performance": "ALL", "browser": "ALL"})
        for flag in (*FLAGS, f"--user-data-dir={folder / 'profile'}"):
            options.add_argument(flag)
        self.driver = webdriver.Chrome(options=options, service=Service(driver))
        self.driver.set_script_timeout(DEADLINE)
        self.pictures = (kept.FOLDER or folder) / "screenshots"
        self.pictures.mkdir(parents=True, exist_ok=True)
        self.asked: list[str] = []
        self.complaints: list[str] = []

    def close(self) -> None:
        self.driver.quit()

    def go(self, url: str) -> None:
        self.driver.get(url)

    @property
    def place(self) -> str:
        """Path and query of the page."""
        url = urlsplit(self.driver.current_url)
        return url.path + (f"?{url.query}" if url.query else "")

    def until(self, what: str, condition: Any) -> Any:
        """The first true answer of `condition`; elements that go while a page changes count as "not yet"."""
        ignored = (NoSuchElementException, StaleElementReferenceException)
        return WebDriverWait(self.driver, DEADLINE, 0.05, ignored).until(lambda _: condition(), what)

    def find(self, selector: str) -> WebElement:
        """The element, as soon as it is shown."""

        def shown() -> WebElement | None:
            element = self.driver.find_element(By.CSS_SELECTOR, selector)
            return element if element.is_displayed() else None

        return self.until(f"{selector} at {self.place}", shown)

    def shows(self, selector: str) -> bool:
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def press(self, *keys: str) -> None:
        """Types, wherever the focus is."""
        chain = ActionChains(self.driver)
        for key in keys:
            chain.send_keys(key)
        chain.perform()

    def focus(self) -> str:
        """The id of what has the focus, or its kind where it has none."""
        return self.run("return document.activeElement.id || document.activeElement.tagName")

    def run(self, script: str, *arguments: object) -> Any:
        return self.driver.execute_script(script, *arguments)

    def fetch(self, url: str, **options: object) -> dict[str, Any]:
        """One fetch by the page: status and text, or that the browser withheld them."""
        script = """
            const [url, options, done] = arguments;
            fetch(url, options)
              .then(async answer => done({ status: answer.status, body: await answer.text() }))
              .catch(error => done({ blocked: String(error) }));
        """
        return self.driver.execute_async_script(script, url, options)

    def status(self) -> int:
        """The status that this page came with."""
        return self.run("return performance.getEntriesByType('navigation')[0].responseStatus")

    def picture(self, name: str) -> None:
        """Keeps a picture of the page."""
        self.driver.save_screenshot(str(self.pictures / f"{name}.png"))

    def dark(self, dark: bool) -> None:
        feature = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": [feature]})

    def narrow(self, width: int, height: int) -> None:
        size = {"width": width, "height": height, "deviceScaleFactor": 2, "mobile": True}
        self.driver.execute_cdp_cmd("Emulation.setDeviceMetricsOverride", size)

    def wide(self) -> None:
        self.driver.execute_cdp_cmd("Emulation.clearDeviceMetricsOverride", {})

    def contrasts(self, *selectors: str) -> dict[str, float]:
        return dict(self.run(CONTRAST, list(selectors)))

    def cookie(self, name: str) -> dict[str, Any] | None:
        """A cookie as the browser keeps it, out of a script's reach or not."""
        return self.driver.get_cookie(name)

    def token(self) -> str:
        """The token that the sign-in page has left in this browser; a secret from now on."""
        cookie = self.cookie("__Host-gatepass")
        assert cookie, "nobody is signed in"
        kept.secret("token", cookie["value"])
        return cookie["value"]

    def listen(self) -> None:
        """Takes up what the browser has noted since the last time: whom it asked, and what its console says."""
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                self.asked.append(message["params"]["request"]["url"])
        for entry in self.driver.get_log("browser"):
            self.complaints.append(entry["message"])

    def hosts(self) -> set[str]:
        """Every host that was asked for anything so far."""
        self.listen()
        return {urlsplit(url).netloc for url in self.asked if url.startswith(("http", "ws"))}

    def violations(self) -> list[str]:
        """What a Content-Security-Policy has refused so far."""
        self.listen()
        return [line for line in self.complaints if "Content Security Policy" in line]
