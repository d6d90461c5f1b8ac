"""Airflow's pages, as a person sees them: signed in, a green run, and a task's receipt."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
from selenium.common.exceptions import StaleElementReferenceException, WebDriverException
from selenium.webdriver import Chrome
from selenium.webdriver.common.by import By
from selenium.webdriver.support.ui import WebDriverWait
from tests.cluster.stack.chrome import browser, missing_browser
from tests.cluster.stack.conftest import Run
from tests.cluster.stack.local_stack import DAG, Stack, required
from tools.cluster.names import ROOT
from tools.stack.names import AIRFLOW

SCREENS = ROOT / ".polarpod/stack-screens"
# a browser that shares two cores with everything
_PATIENCE_SECONDS = 90.0


class Page:
    """What is in front of a person now."""

    def __init__(self, driver: Chrome) -> None:
        self._driver = driver
        ignored = (StaleElementReferenceException,)
        self._wait = WebDriverWait(driver, _PATIENCE_SECONDS, ignored_exceptions=ignored)

    def go(self, path: str) -> None:
        self._driver.get(AIRFLOW + path)

    def fill(self, name: str, text: str) -> None:
        self._until(lambda: self._driver.find_elements(By.NAME, name), f"there was a field {name}")[0].send_keys(text)

    def click(self, what: str) -> None:
        """Clicks the first element of an XPath that lets itself be clicked."""

        def try_it() -> bool:
            try:
                self._driver.find_element(By.XPATH, what).click()
            except WebDriverException:  # not there yet, or something that loads is before it
                return False
            return True

        self._until(try_it, f"{what} could be clicked")

    def until_shown(self, *words: str) -> None:
        self._until(lambda: all(word in self.text for word in words), f"the page said {words}")

    @property
    def text(self) -> str:
        # the viewer of JSON writes every blank as one that does not break
        return self._driver.find_element(By.TAG_NAME, "body").text.replace("\N{NO-BREAK SPACE}", " ")

    def shoot(self, name: str) -> None:
        SCREENS.mkdir(parents=True, exist_ok=True)
        self._driver.save_screenshot(str(SCREENS / f"{name}.png"))

    def _until(self, condition: Callable[[], object], what: str) -> list:
        return self._wait.until(lambda _: condition(), f"it took too long until {what}")


@pytest.fixture
def page(stack: Stack, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Page]:
    if reason := missing_browser():
        pytest.fail(reason, pytrace=False) if required() else pytest.skip(reason)
    # its driver is on this machine, too
    monkeypatch.setenv("NO_PROXY", "127.0.0.1,localhost")
    monkeypatch.setenv("no_proxy", "127.0.0.1,localhost")
    with browser(tmp_path / "profile") as driver:
        yield Page(driver)


def test_somebody_signs_in_and_finds_the_receipt_of_a_green_task(page: Page, stack: Stack, february: Run) -> None:
    (task,) = [one for one in stack.tasks(february.id) if (one["task_id"], one["map_index"]) == ("clean_flights", 0)]
    receipt = stack.rest.xcom(task)

    page.go(f"/dags/{DAG}/runs/{quote(february.id, safe='')}")
    page.fill("username", stack.sign_in["user"])
    page.fill("password", stack.sign_in["password"])
    page.click("//button[@type='submit']")

    # the page that was asked for before
    page.until_shown(february.id, "Success", "delay_by_weather", "RunJobOperator")
    page.shoot("run")
    row = f"//tr[.//a[normalize-space()='clean_flights']][contains(., '{february.days[0]}')]"
    page.click(f"{row}//a[normalize-space()='clean_flights']")
    page.until_shown(f"clean_flights [{february.days[0]}]", "Success")
    page.click("//a[normalize-space()='Storage']")
    page.click("//a[normalize-space()='XCom']")
    page.click("//button[@aria-label='Expand all extra JSON']")
    page.until_shown("return_value", f'"uid": "{receipt["uid"]}"', f'"rows": {receipt["rows"]}')
    page.shoot("receipt")
