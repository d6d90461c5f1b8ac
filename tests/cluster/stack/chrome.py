"""A headless Chromium that talks to this machine and nobody else."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from selenium import webdriver

_NAMES = ("chromium", "chromium-browser", "google-chrome")
# it is for one page: nothing in the background, no proxy, no sandbox where root runs it, as containers do
_OPTIONS = (
    "--headless=new",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-dev-shm-usage",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--no-proxy-server",
    "--window-size=1600,1000",
)


def missing_browser() -> str | None:
    """What a browser test lacks here, in one line."""
    if not _found():
        return f"no browser: none of {', '.join(_NAMES)} is on $PATH"
    if not shutil.which("chromedriver"):
        return "no browser: there is no chromedriver on $PATH; Debian's is in chromium-driver"
    return None


@contextmanager
def browser(profile: Path) -> Iterator[webdriver.Chrome]:
    """One with a profile of its own."""
    options = webdriver.ChromeOptions()
    options.binary_location = str(_found())
    for option in (*_OPTIONS, f"--user-data-dir={profile}"):
        options.add_argument(option)
    driver = webdriver.Chrome(options=options, service=webdriver.ChromeService(shutil.which("chromedriver")))
    try:
        yield driver
    finally:
        driver.quit()


def _found() -> str | None:
    return next((path for name in _NAMES if (path := shutil.which(name))), None)
