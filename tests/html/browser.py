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
        for domain in ("Network", "DOM", "CSS"):
            self.ask(f"{domain}.enable")

    def open(self, path: Path, **media: str) -> None:
        """Load it, as seen with this media: ``media="print"``, ``prefers_color_scheme="dark"``."""
        self.emulate(**media)
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

    def forget(self) -> None:
        """Complaints and requests until now."""
        self.driver.get("about:blank")
        self.driver.get_log("browser")
        self.driver.get_log("performance")

    def settle(self) -> None:
        """Wait until what was just done has been painted."""
        self.driver.execute_async_script(f"const done = arguments[0]; {_PAINTED}(done)")

    def timed(self, script: str) -> float:
        """Milliseconds from doing this until it has been painted."""
        found: float = self.driver.execute_async_script(
            "const done = arguments[0], search = document.getElementById('search'), begun = performance.now();"
            f"{script}; {_PAINTED}(() => done(performance.now() - begun))"
        )
        return found

    def focused(self) -> str:
        """The text of what has the focus."""
        return str(self.run("return document.activeElement.textContent")).strip()

    def visible(self, selector: str) -> int:
        """How many of these take up room; asked of the layout, so that it works where scripts do not."""
        root = self.ask("DOM.getDocument")["root"]["nodeId"]
        count = 0
        for node in self.ask("DOM.querySelectorAll", nodeId=root, selector=selector)["nodeIds"]:
            found = self.ask("CSS.getComputedStyleForNode", nodeId=node)["computedStyle"]
            count += {"name": "display", "value": "none"} not in found
        return count

    def contrast(self, selector: str) -> float:
        """The least ratio of text to ground, as WCAG 2 counts it, of these elements; none are fine."""
        pairs = self.run(_COLOURS, selector)
        return min((_ratio(*pair) for pair in pairs), default=21.0)

    def complaints(self) -> list[str]:
        """What the console was told since the page was opened."""
        return [entry["message"] for entry in self.driver.get_log("browser")]

    def requests(self) -> list[str]:
        """Every address that was asked for since the last look; what the page's policy held back was not."""
        events = [json.loads(entry["message"])["message"] for entry in self.driver.get_log("performance")]
        held = {e["params"]["requestId"] for e in events if e["params"].get("blockedReason") == "csp"}
        sent = [e["params"] for e in events if e["method"] == "Network.requestWillBeSent"]
        return [each["request"]["url"] for each in sent if each["requestId"] not in held]

    def picture(self, path: Path, **clip: float) -> None:
        """What is to be seen, as PNG."""
        area = {"clip": {**clip, "scale": 1}} if clip else {}
        path.write_bytes(base64.b64decode(self.ask("Page.captureScreenshot", **area)["data"]))

    def printed(self) -> bytes:
        """The page on paper, as PDF."""
        return base64.b64decode(self.ask("Page.printToPDF")["data"])


#: Two frames: the first begins with what was done, the second when it has been painted.
_PAINTED = "(then => requestAnimationFrame(() => requestAnimationFrame(then)))"

_COLOURS = """
const ground = (e) => getComputedStyle(e).backgroundColor;
const solid = (e) => ground(e) == 'rgba(0, 0, 0, 0)' ? solid(e.parentElement) : ground(e);
const parts = (c) => c.match(/[\\d.]+/g).slice(0, 3).map(Number);
return [...document.querySelectorAll(arguments[0])].map(e => [parts(getComputedStyle(e).color), parts(solid(e))]);
"""


def _ratio(one: list[float], other: list[float]) -> float:
    dark, light = sorted((_luminance(one), _luminance(other)))
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: list[float]) -> float:
    parts = [c / 255 / 12.92 if c <= 10 else ((c / 255 + 0.055) / 1.055) ** 2.4 for c in colour]
    return 0.2126 * parts[0] + 0.7152 * parts[1] + 0.0722 * parts[2]


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
