"""Chromium without a window, as a civil servant uses it: on a desk or on a phone 360 pixels wide, light or dark, with or without script."""

import base64
import re
import tempfile
import time
from importlib import resources
from urllib.parse import urlsplit

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.by import By
from selenium.webdriver.remote.webelement import WebElement
from selenium.webdriver.support.ui import WebDriverWait

from .places import SCREENSHOTS

_AXE = resources.files("axe_core_python").joinpath("axe.min.js").read_text()
SIZES = {"desktop": (1280, 900), "phone": (360, 740)}


class Browser:
    def __init__(self, size: str = "desktop", script: bool = True) -> None:
        self.size, self.script = size, script
        self.pictures = 0
        options = Options()
        options.binary_location = "/usr/bin/chromium"
        self._profile = tempfile.TemporaryDirectory(prefix="gapura-chromium-", dir="/tmp", ignore_cleanup_errors=True)
        for argument in (
            "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--lang=id",
            "--ignore-certificate-errors", "--no-first-run", "--disable-background-networking",
            "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE localhost, EXCLUDE 127.0.0.1",
            f"--user-data-dir={self._profile.name}",
        ):  # fmt: skip
            options.add_argument(argument)
        preferences = {"credentials_enable_service": False, "intl.accept_languages": "id,en"}
        if not script:
            preferences["profile.managed_default_content_settings.javascript"] = 2
        options.add_experimental_option("prefs", preferences)
        self.driver = webdriver.Chrome(options, Service("/usr/bin/chromedriver"))
        self.driver.set_page_load_timeout(40)
        width, height = SIZES[size]
        self.driver.execute_cdp_cmd(
            "Emulation.setDeviceMetricsOverride",
            {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": size == "phone"})
        self.set_theme("light")

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, kind: type | None, *_: object) -> None:
        if kind:
            print(f"{self.url}: {self.text[:1500]}")
            self._save_picture(f"failure-{time.time():.0f}")
        self.driver.quit()
        self._profile.cleanup()

    # Acts

    def open(self, url: str) -> None:
        self.driver.get(url)

    def find(self, selector: str) -> WebElement:
        return self.driver.find_element(By.CSS_SELECTOR, selector)

    def has(self, selector: str) -> bool:
        return bool(self.driver.find_elements(By.CSS_SELECTOR, selector))

    def type(self, selector: str, text: str) -> None:
        field = self.find(selector)
        field.clear()
        field.send_keys(text)

    def press(self, selector: str) -> None:
        """Presses a button or follows a link, and waits for the next page."""
        element = self.find(selector)
        page = self.find("html")
        self.driver.execute_script("arguments[0].scrollIntoView({block: 'center'})", element)
        element.click()
        WebDriverWait(self.driver, 30).until(lambda _: _is_gone(page))
        self.wait_for("body")

    def wait_for(self, selector: str, seconds: float = 30) -> None:
        WebDriverWait(self.driver, seconds).until(lambda _: self.has(selector))

    @property
    def url(self) -> str:
        return self.driver.current_url

    @property
    def text(self) -> str:
        return self.find("body").text

    @property
    def language(self) -> str:
        """What the page says of itself: `<html lang>`."""
        return self.find("html").get_attribute("lang")

    # Looks

    def set_theme(self, theme: str) -> None:
        features = [{"name": "prefers-color-scheme", "value": theme}, {"name": "prefers-reduced-motion", "value": "reduce"}]
        self.driver.execute_cdp_cmd("Emulation.setEmulatedMedia", {"features": features})

    def look(self, name: str) -> None:
        """What every page must keep: nothing found by axe-core in light and in dark, no sideways scrolling, nothing from another host.

        A picture of each is kept.
        """
        origin = "{0.scheme}://{0.netloc}".format(urlsplit(self.url))
        foreign = [
            entry for entry in self.driver.execute_script("return performance.getEntriesByType('resource').map(e => e.name)")
            if not entry.startswith((origin, "data:"))
        ]  # fmt: skip
        assert not foreign, f"{name} asks {foreign}"
        self.pictures += 1
        for theme in ("light", "dark"):
            self.set_theme(theme)
            self._save_picture(f"{self.size}{'' if self.script else '-noscript'}-{self.pictures:02}-{name}-{theme}")
            # axe-core is a script itself; with script it has seen the same page.
            found = self._axe() if self.script else []
            assert not found, f"axe-core on {name} ({self.size}, {theme}): {found}"
            wide = self.driver.execute_script("return document.documentElement.scrollWidth - document.documentElement.clientWidth")
            assert wide <= 0, f"{name} is {wide} pixels wider than a {self.size}"
        self.set_theme("light")

    def _axe(self) -> list[str]:
        self.driver.execute_script(_AXE + ";window.axe = axe;")
        result = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1]; axe.run(document).then(done, e => done({error: String(e)}));")
        assert "error" not in result, result
        return [f"{issue['id']}: {issue['help']}: {issue['nodes'][0]['html'][:160]}" for issue in result["violations"]]

    def _save_picture(self, name: str) -> None:
        SCREENSHOTS.mkdir(parents=True, exist_ok=True)
        picture = self.driver.execute_cdp_cmd("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": True})
        (SCREENSHOTS / f"{re.sub(r'[^a-z0-9-]', '-', name)}.png").write_bytes(base64.b64decode(picture["data"]))


def _is_gone(element: WebElement) -> bool:
    try:
        element.is_enabled()
        return False
    except Exception:  # Stale, or its frame is gone: both mean another page.
        return True
