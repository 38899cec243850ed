"""A real Chromium without a window, as far as tests need one: open, wait, look, listen."""

from __future__ import annotations

import os
import shutil
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray
from PIL import Image
from selenium.webdriver import Chrome, ChromeOptions
from selenium.webdriver.chrome.service import Service

_FLAGS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu-sandbox",
    "--use-gl=angle",
    "--use-angle=swiftshader",
    "--enable-unsafe-swiftshader",
    "--disable-dev-shm-usage",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--hide-scrollbars",
    "--force-device-scale-factor=1",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)
_VIEWPORTS = "return window.cornerstone ? window.cornerstone.getRenderingEngines().flatMap(e => e.getViewports()) : [];"
Picture = NDArray[np.uint8]
"""A screenshot, ``(row, column, 3)``, sRGB."""


def why_no_browser() -> str:
    """Return what is missing for `a_browser`; empty where nothing is."""
    missing = [name for name in ("chromium", "chromedriver") if shutil.which(name) is None]
    return f"{' and '.join(missing)} not installed" if missing else ""


class BrowserTimeoutError(Exception):
    """What was waited for did not come; the message holds the console."""


class Browser:
    """One window of a fixed size."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver
        self._console: list[dict[str, Any]] = []

    def open(self, url: str) -> None:
        """Load an address."""
        self._driver.get(url)

    @property
    def url(self) -> str:
        return str(self._driver.current_url)

    @property
    def text(self) -> str:
        """The words on the page."""
        return str(self.run("return document.body.innerText"))

    def run(self, script: str, *arguments: object) -> Any:
        """Run JavaScript in the page; ``return`` gives a value, a promise is waited for."""
        return self._driver.execute_script(script, *arguments)

    def click(self, css: str) -> None:
        """Click the first element that a CSS selector finds."""
        self._driver.find_element("css selector", css).click()

    def wait_for(self, script: str, *, timeout_s: float = 60.0) -> Any:
        """Run a script again and again until it returns something true, and return that."""
        deadline = time.monotonic() + timeout_s
        while time.monotonic() < deadline:
            found = self.run(script)
            if found:
                return found
            time.sleep(0.25)
        raise BrowserTimeoutError(f"{script!r} stayed false for {timeout_s} s; console: {self.console()[-5:]}")

    def wait_for_text(self, text: str, *, timeout_s: float = 60.0) -> None:
        """Wait until the page shows a text."""
        self.wait_for(f"return document.body.innerText.includes({text!r})", timeout_s=timeout_s)

    def screenshot(self, keep_as: Path | None = None) -> Picture:
        """Return the window as it is now; ``keep_as`` also writes it as PNG."""
        png = self._driver.get_screenshot_as_png()
        if keep_as is not None:
            keep_as.parent.mkdir(parents=True, exist_ok=True)
            keep_as.write_bytes(png)
        return np.asarray(Image.open(BytesIO(png)).convert("RGB"))

    def wait_until_still(self, *, still_s: float = 1.5, timeout_s: float = 60.0) -> Picture:
        """Return the picture once it has not changed for a while."""
        deadline = time.monotonic() + timeout_s
        last, since = self.screenshot(), time.monotonic()
        while time.monotonic() < deadline:
            time.sleep(0.3)
            now = self.screenshot()
            if not np.array_equal(now, last):
                last, since = now, time.monotonic()
            elif time.monotonic() - since >= still_s:
                return now
        raise BrowserTimeoutError(f"the picture kept changing for {timeout_s} s")

    def console(self) -> list[dict[str, Any]]:
        """Return everything the console said since the browser started."""
        self._console.extend(self._driver.get_log("browser"))  # type: ignore[no-untyped-call]
        return self._console

    def console_errors(self) -> list[str]:
        """Return the console's errors."""
        return [str(entry["message"]) for entry in self.console() if entry["level"] == "SEVERE"]

    def foreign_requests(self) -> list[str]:
        """Return the resources of the page that came, or were wanted, from another origin."""
        script = (
            "return performance.getEntriesByType('resource').map(e => e.name)"
            ".filter(n => !n.startsWith(location.origin) && !n.startsWith('blob:') && !n.startsWith('data:'));"
        )
        return list(self.run(script))


class OhifWindow:
    """What tests ask of OHIF, through the Cornerstone library that it exposes in the page."""

    def __init__(self, browser: Browser) -> None:
        self._browser = browser

    def wait_for_image(self, series_uid: str | None = None, *, timeout_s: float = 120.0) -> None:
        """Wait until a viewport shows an image, of the given series if one is named."""
        wanted = series_uid or ""
        self._browser.wait_for(
            f"{_VIEWPORTS[:-1].replace('return ', 'const v = ')};"
            "return v.some(p => { const id = p.getCurrentImageId && p.getCurrentImageId();"
            f" return id && id.includes({wanted!r}) && p.getImageData && p.getImageData(); }});",
            timeout_s=timeout_s,
        )

    def show_slice_at(self, lps_mm: Sequence[float]) -> None:
        """Scroll the first viewport to the slice nearest to a point."""
        self._browser.run(
            """
            const done = Promise.resolve();
            const p = window.cornerstone.getRenderingEngines().flatMap(e => e.getViewports())[0];
            const ids = p.getImageIds(); let best = 0, least = Infinity;
            ids.forEach((id, n) => {
              const plane = window.cornerstone.metaData.get('imagePlaneModule', id);
              const d = Math.abs(plane.imagePositionPatient[2] - arguments[0][2]);
              if (d < least) { least = d; best = n; }
            });
            return p.setImageIdIndex ? p.setImageIdIndex(best).then(() => best) : done;
            """,
            list(lps_mm),
        )

    def window_point(self, lps_mm: Sequence[float]) -> tuple[float, float]:
        """Return where a point of the patient lies in the window: column and row in pixels."""
        column, row = self._browser.run(
            """
            const p = window.cornerstone.getRenderingEngines().flatMap(e => e.getViewports())[0];
            const at = p.worldToCanvas(arguments[0]), box = p.canvas.getBoundingClientRect();
            return [at[0] + box.left, at[1] + box.top];
            """,
            list(lps_mm),
        )
        return float(column), float(row)

    def viewport(self, picture: Picture) -> Picture:
        """Return the part of a screenshot that is the first viewport's image."""
        left, top, right, bottom = self._browser.run(
            """
            const p = window.cornerstone.getRenderingEngines().flatMap(e => e.getViewports())[0];
            const box = p.canvas.getBoundingClientRect();
            return [box.left, box.top, box.right, box.bottom].map(Math.round);
            """
        )
        return picture[top:bottom, left:right]

    def viewport_point(self, lps_mm: Sequence[float]) -> tuple[float, float]:
        """Return where a point of the patient lies in :meth:`viewport`: column and row in pixels."""
        column, row = self._browser.run(
            """
            const p = window.cornerstone.getRenderingEngines().flatMap(e => e.getViewports())[0];
            return p.worldToCanvas(arguments[0]);
            """,
            list(lps_mm),
        )
        return float(column), float(row)

    def pixels_per_mm(self, lps_mm: Sequence[float]) -> float:
        """Return the zoom of the first viewport near a point."""
        left, top = self.window_point(lps_mm)
        moved = self.window_point([lps_mm[0] + 10.0, *lps_mm[1:]])
        return float(np.hypot(moved[0] - left, moved[1] - top) / 10.0)


@contextmanager
def a_browser(*, width_px: int = 1400, height_px: int = 900) -> Iterator[Browser]:
    """Start Chromium with an empty profile that is gone afterwards."""
    with tempfile.TemporaryDirectory(prefix="psma-browser-") as profile:
        options = ChromeOptions()
        options.binary_location = shutil.which("chromium") or ""
        for flag in (*_FLAGS, f"--user-data-dir={profile}", f"--window-size={width_px},{height_px}"):
            options.add_argument(flag)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        service = Service(shutil.which("chromedriver"), log_output=os.devnull)
        driver = Chrome(options=options, service=service)
        try:
            driver.set_script_timeout(60)
            driver.set_page_load_timeout(120)
            yield Browser(driver)
        finally:
            driver.quit()


def coloured_change(
    before: Picture, after: Picture, rgb: tuple[int, int, int], *, least_change: int = 25
) -> NDArray[np.intp]:
    """Return ``(row, column)`` of the pixels that moved towards a colour, ``(n, 2)``; empty where none did.

    A pixel counts if the change points along the colour's own direction away from grey, as a
    translucent overlay of that colour makes it.
    """
    change = after.astype(np.float64) - before.astype(np.float64)
    chroma = change - change.mean(axis=2, keepdims=True)
    colour = np.asarray(rgb, dtype=np.float64)
    direction = colour - colour.mean()
    along = chroma @ (direction / np.linalg.norm(direction))
    aside = np.linalg.norm(chroma, axis=2)
    return np.argwhere((along >= least_change) & (along >= 0.9 * aside))
