"""Headless Chromium: a page, or a folder of it, opened as a file; nothing is downloaded to drive it."""

from __future__ import annotations

import base64
import json
import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


def missing() -> str:
    """What is not installed, in words; nothing where a browser can be started."""
    browser = any(map(shutil.which, BROWSERS))
    return (
        "" if browser and shutil.which("chromedriver") else "Chromium and its driver (chromedriver) are not installed"
    )


class Browser:
    """One window. ``open`` loads a page anew; everything else is about the page that is open."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        self.ask("Network.enable")

    def open(self, path: Path, **media: str) -> None:
        """Load it, as seen with this media: ``media="print"``, ``prefers_color_scheme="dark"``."""
        self.emulate(**media)
        self.driver.get_log("browser"), self.driver.get_log("performance")
        self.driver.get("about:blank")
        self.driver.get(path.as_uri())

    def emulate(self, media: str = "", **features: str) -> None:
        """Media type and features from now on."""
        named = [{"name": name.replace("_", "-"), "value": value} for name, value in features.items()]
        self.ask("Emulation.setEmulatedMedia", media=media, features=named)

    def size(self, width: int, height: int) -> None:
        """The inner size of the window, in CSS pixels."""
        self.ask("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def scripts(self, allowed: bool) -> None:
        """Whether pages that are loaded from now on may run scripts."""
        self.ask("Emulation.setScriptExecutionDisabled", value=not allowed)

    def ask(self, command: str, **arguments: Any) -> Any:
        """A command of the DevTools protocol."""
        return self.driver.execute_cdp_cmd(command, arguments)

    def run(self, script: str, *arguments: Any) -> Any:
        """What a function with this body returns."""
        return self.driver.execute_script(script, *arguments)

    def press(self, *keys: str) -> None:
        """Keys, one after the other, for whatever has the focus."""
        self.driver.switch_to.active_element.send_keys(*keys)

    def shown(self) -> list[str]:
        """The titles of the changes that are displayed."""
        found: list[str] = self.run(
            "return [...document.querySelectorAll('.change')].filter(e => getComputedStyle(e).display != 'none')"
            ".map(e => e.querySelector('.title').textContent)"
        )
        return found

    def complaints(self) -> list[str]:
        """What the console was told since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address that was asked for since the page was opened."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        sent = [
            event["params"]["request"]["url"] for event in events if event["method"] == "Network.requestWillBeSent"
        ]
        return [url for url in sent if url != "about:blank"]

    def picture(self, path: Path, **clip: float) -> None:
        """What is to be seen, as PNG."""
        area = {"clip": {**clip, "scale": 1}} if clip else {}
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", **area)["data"]))

    def printed(self) -> bytes:
        """The page on paper, as PDF."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])


@contextmanager
def chromium() -> Iterator[Browser]:
    """A browser for as long as it is needed."""
    from selenium import webdriver
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = next(filter(None, map(shutil.which, BROWSERS)))
    for flag in (
        "headless=new",
        "disable-gpu",
        "hide-scrollbars",
        "force-color-profile=srgb",
        "window-size=1280,900",
    ):
        options.add_argument(f"--{flag}")
    if os.getuid() == 0:
        options.add_argument("--no-sandbox")
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options, Service(executable_path=shutil.which("chromedriver")))
    try:
        yield Browser(driver)
    finally:
        driver.quit()
