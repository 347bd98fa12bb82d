"""Admin > Connections, as a person uses it."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from tests.browser.chromium import CHROMIUM, OPTIONS

if TYPE_CHECKING:
    from playwright.sync_api import Locator, Page


class ConnectionsPage:
    """The page of connections, open in a browser."""

    def __init__(self, page: Page, url: str) -> None:
        self._page = page
        self._url = url

    def add(self, conn_id: str, type_name: str) -> Form:
        """Begin a new connection."""
        self._page.goto(f"{self._url}/connections")
        self._page.get_by_role("button", name="Add Connection").click()
        form = Form(self._page)
        form.fill({"Connection ID": conn_id})
        form.dialog.get_by_role("combobox").first.fill(type_name)
        self._page.get_by_role("option", name=type_name, exact=True).click()
        return form

    def edit(self) -> Form:
        """Open the only connection."""
        self._page.get_by_role("button", name="Edit Connection").click()
        return Form(self._page)

    def test(self, picture: Path) -> str:
        """Press the only connection's Test button, take a picture, and return what the page says."""
        self._page.goto(f"{self._url}/connections")
        self._page.get_by_role("button", name="Test Connection").click()
        toast = self._page.locator("[data-scope=toast][data-part=root]")
        toast.wait_for()
        self._page.wait_for_timeout(500)  # until it has slid in
        self._page.screenshot(path=picture)
        return " ".join(toast.inner_text().split())


class Form:
    """The form of a connection."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.dialog: Locator = page.get_by_role("dialog")

    def open(self, section: str) -> None:
        """Unfold a section; Airflow folds the others."""
        self.dialog.get_by_role("button", name=section, exact=True).click()
        self._page.wait_for_timeout(500)  # until it has unfolded

    def fill(self, standard: dict[str, str]) -> None:
        """Type into standard fields, found by their labels."""
        for label, text in standard.items():
            self.dialog.get_by_label(label, exact=label != "Connection ID").fill(text)

    def fill_extra(self, extra: dict[str, str]) -> None:
        """Type into extra fields, found by their names."""
        for name, text in extra.items():
            self.dialog.locator(f"[name=element_{name}]").fill(text)

    def picture(self, path: Path) -> None:
        """Take a picture of the form alone, in a window that it fits into."""
        usual = self._page.viewport_size
        self._page.set_viewport_size({"width": 1100, "height": 2400})
        self.dialog.screenshot(path=path)
        if usual:
            self._page.set_viewport_size(usual)

    def save(self) -> None:
        """Press Save and wait until the form is gone."""
        self.dialog.get_by_role("button", name="Save").click()
        self.dialog.wait_for(state="detached")


@contextlib.contextmanager
def connections_page(url: str) -> Iterator[ConnectionsPage]:
    """Open a headless Chromium for the Airflow at ``url``."""
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        page = browser.new_page(viewport={"width": 1100, "height": 900})
        page.set_default_timeout(30_000)
        yield ConnectionsPage(page, url)
        browser.close()
