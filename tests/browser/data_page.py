"""The page "WeChat data" as people see it: several Airflows, light and dark, in English and Chinese, below a base path.

``python -m tests.browser.data_page [--update]`` runs only this part.
"""

from __future__ import annotations

import contextlib
import functools
import shutil
import subprocess
import sys
import urllib.error
import urllib.parse
import urllib.request
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from tests.browser import snapshot_reading
from tests.browser.checks import holds, same
from tests.browser.chromium import CHROMIUM, OPTIONS
from tests.browser.names import FEW, HOSTILE_NAME, HOSTILE_PATH
from tests.browser.page_servers import Home, Server
from tests.support.airflow_home import CACHE
from tests.support.servers import REPOSITORY

if TYPE_CHECKING:
    from playwright.sync_api import Browser, Page, Route

OUTPUT = CACHE / "browser-page"
PICTURES = REPOSITORY / "docs" / "images"
AXE = CACHE / "axe"
#: Environments, and below which base paths.
VARIANTS = {".venv": ("", "/data/airflow"), ".venv-airflow-3.1": ("/data/airflow",), ".venv-airflow-3.4": ("",)}
#: axe's rules that Airflow's own page around ours decides on are not run: only ours is looked at.
CHECK = """async () => (await axe.run('.wxa')).violations
  .filter(({impact}) => ['serious', 'critical'].includes(impact))
  .map(({id, nodes}) => `${id}: ${nodes.map(node => node.html.slice(0, 200)).join(' | ')}`)"""
#: Milliseconds from when Airflow began to load the page's module until its figures were drawn.
PAINTED = """() => new Promise(done => requestAnimationFrame(() => setTimeout(() => done(performance.now()
  - performance.getEntriesByType('resource').find(({name}) => name.endsWith('/weanalysis/page.js')).startTime))))"""


def main(update: bool = "--update" in sys.argv[1:]) -> int:
    """Look at the page in every variant and say what was seen."""
    from playwright.sync_api import sync_playwright

    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=OPTIONS)
        snapshot_reading.check(browser)
        for environment, base_paths in VARIANTS.items():
            home = Home(OUTPUT / environment.strip("."), REPOSITORY / environment / "bin" / "python")
            for base_path in base_paths:
                with home.serve(base_path) as server:
                    look(browser, server, f"{environment} {base_path or '/'}")
                    if update and not base_path:
                        take_pictures(browser, server)
        browser.close()
    print(f"Pictures: {OUTPUT}")
    return 0


def look(browser: Browser, server: Server, name: str) -> None:
    """Look at everything in one variant."""
    print(f"--- {name}", flush=True)
    without_login(browser, server)
    for scheme, locale in (("light", "en-US"), ("dark", "zh-CN")):
        with opened(browser, server, scheme, locale) as page:
            page.goto(f"{server.url}/plugin/weanalysis")
            page.locator(".wxa-tiles").wait_for()
            the_whole_page(page, locale)
            picture = OUTPUT / f"{name.replace(' ', '').replace('/', '-')}-{scheme}.png"
            page.screenshot(path=picture)
            hostile_names_are_text(page)
            no_serious_findings(page)
    with opened(browser, server, "light", "en-US") as page:
        by_keyboard(page, server)
        # The API of 3.1 does not say what mapped instances were given: there a click leads to the list of them.
        a_click_leads_to_the_task(page, server, "/mapped" if "3.1" in name else "/mapped/1")
        as_tab_of_a_dag(page, server)
        another_version(page, server)
        nothing_yet(page, server)
        a_hundred_apps(page, server)


@contextlib.contextmanager
def opened(browser: Browser, server: Server, scheme: Any, locale: str, user: str = "viewer") -> Iterator[Page]:
    """Open a window of a user who has logged in, and check that only the server is asked for anything."""
    context = browser.new_context(viewport={"width": 1400, "height": 1000}, color_scheme=scheme, locale=locale)
    context.add_cookies([{"name": "_token", "value": server.token(user), "url": f"{server.url}/"}])
    page = context.new_page()
    page.set_default_timeout(180_000)
    asked: list[str] = []
    errors: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.on("pageerror", lambda error: errors.append(str(error)))
    yield page
    own = urllib.parse.urlsplit(server.url).netloc
    hosts = {urllib.parse.urlsplit(url).netloc for url in asked if not url.startswith(("data:", "blob:"))}
    same("only Airflow is asked", hosts, {own})
    same("errors in the page", errors, [])
    context.close()


def without_login(browser: Browser, server: Server) -> None:
    """The page's own files are open; there is no data without a login."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    with opener.open(f"{server.url}/weanalysis/page.js", timeout=60) as reply:
        same(
            "page.js without login",
            (reply.status, reply.headers["content-type"]),
            (200, "text/javascript; charset=utf-8"),
        )
    for path in ("/api/v2/assets", "/api/v2/assets/events"):
        try:
            opener.open(server.url + path, timeout=60)
            code = 200
        except urllib.error.HTTPError as error:
            with error:
                code = error.code
        same(f"{path} without login", code, 401)
    page = browser.new_page()
    page.set_default_timeout(180_000)
    page.goto(f"{server.url}/plugin/weanalysis")
    page.wait_for_url("**/login**")
    same("the page without login", page.locator(".wxa").count(), 0)
    page.close()


def the_whole_page(page: Page, locale: str) -> None:
    """Everything is there, in the browser's language, and the switch changes it."""
    words = {
        "en-US": ("WeChat data", "Daily summary", "Top pages"),
        "zh-CN": ("微信数据", "数据概况", "近 7 天热门页面"),
    }
    text = page.locator(".wxa").inner_text()
    for word in (*words[locale], *FEW[:2], "analytics-few.wechat", "weanalysis_morning"):
        holds("the page", text, word)
    same("apps", page.locator(".wxa-app").count(), 3)
    same("endpoints of the open one", page.locator(".wxa-endpoints .wxa-strip").count(), 13)
    same("days of retention", page.locator(".wxa-heat tbody tr").count(), 9)
    background = page.locator(".wxa").evaluate("e => getComputedStyle(e).getPropertyValue('--bg')")
    other = {"en-US": "zh", "zh-CN": "en"}[locale]
    page.locator(f".wxa button[lang={other}]").click()
    holds("after the switch", page.locator(".wxa").inner_text(), {"zh": "微信数据", "en": "WeChat data"}[other])
    page.reload()
    page.locator(".wxa-tiles").wait_for()
    holds("the choice stays", page.locator(".wxa").inner_text(), {"zh": "微信数据", "en": "WeChat data"}[other])
    page.locator(f".wxa button[lang={locale[:2]}]").click()
    print(f"background {background}", flush=True)


def hostile_names_are_text(page: Page) -> None:
    """Names are shown as they are, and do nothing."""
    same("the hostile app", page.locator(".wxa-app h3 bdi").all_inner_texts()[2], HOSTILE_NAME)
    same("the hostile page", page.locator(".wxa-pages td bdi").first.inner_text(), HOSTILE_PATH)
    page.locator(".wxa-app h3 button").nth(2).click()
    page.locator(".wxa-strip.wxa-tall").nth(2).hover()
    page.locator("input[type=search]").fill("<img")
    same("found by its name", page.locator(".wxa-app").count(), 1)
    page.locator("input[type=search]").fill("")
    same("nothing of it ran", page.evaluate("window.hacked ?? null"), None)
    same("nor became an element", page.locator(".wxa img, .wxa script").count(), 0)
    page.locator(".wxa-app h3 button").nth(0).click()


def no_serious_findings(page: Page) -> None:
    """Ask axe-core, with everything open."""
    script = AXE / "node_modules" / "axe-core" / "axe.min.js"
    if not script.exists():
        subprocess.run(["npm", "install", "--silent", "--prefix", str(AXE), "axe-core@4"], check=True)
    page.evaluate(script.read_text())
    same("axe-core's serious findings", page.evaluate(CHECK), [])


def by_keyboard(page: Page, server: Server) -> None:
    """A strip is a slider: the arrow keys walk along it, and what is there is said."""
    page.goto(f"{server.url}/plugin/weanalysis")
    strip = page.get_by_role("slider", name=f"{FEW[0]}, Daily summary")
    strip.focus()
    newest = strip.get_attribute("aria-valuetext") or ""
    holds("the newest day", newest, "loaded · 1 row,")
    page.keyboard.press("ArrowLeft")
    holds("the day before", strip.get_attribute("aria-valuetext") or "", "2026-11-24")
    holds("its tip", page.locator(".wxa-tip").inner_text(), "2026-11-24")
    page.keyboard.press("Home")
    same("the first day", strip.get_attribute("aria-valuenow"), "0")
    page.keyboard.press("End")
    page.keyboard.press("Enter")
    page.wait_for_url("**/tasks/load/mapped**")
    print("Enter leads to the task", flush=True)


def a_click_leads_to_the_task(page: Page, server: Server, where: str) -> None:
    """Of the mapped task it opens the instance that loaded the app, in Airflow's own page."""
    page.goto(f"{server.url}/plugin/weanalysis")
    page.locator(".wxa-app h3 button").nth(1).click()
    strip = page.get_by_role("slider", name=f"{FEW[1]}, Daily summary")
    box: Any = strip.bounding_box()
    strip.click(position={"x": box["width"] - 3, "y": 5})
    page.wait_for_url("**/tasks/load/mapped**")
    base, _, rest = page.url.partition("/runs/")
    same("below the base path", base, f"{server.url}/dags/weanalysis_morning")
    same("the instance", rest.partition("/tasks/load")[2], where)
    page.get_by_text("load").first.wait_for()


def as_tab_of_a_dag(page: Page, server: Server) -> None:
    """A DAG's tab shows what it checks or loads; another DAG's says that there is nothing of it, and reads none."""
    page.goto(f"{server.url}/dags/weanalysis_hundred")
    page.get_by_role("link", name="WeChat data").last.click()
    page.locator(".wxa-tiles").wait_for()
    holds("the tab", page.locator(".wxa-top").inner_text(), "analytics-hundred.wechat")
    page.goto(f"{server.url}/dags/weanalysis_loads/plugin/weanalysis-dag")
    page.locator(".wxa-tiles").wait_for()
    holds("the tab of a DAG that only loads", page.locator(".wxa-top").inner_text(), "analytics-prod.wechat")
    read: list[str] = []
    page.on("request", lambda request: read.extend([request.url] if "/assets/events" in request.url else []))
    page.goto(f"{server.url}/dags/someone_elses/plugin/weanalysis-dag")
    holds("another DAG's tab", page.locator(".wxa-message").inner_text(), "This DAG is not in any snapshot")
    same("snapshots read for it", read, [])


def make_another_version(source_dag_id: str, route: Route) -> None:
    """Change the form of snapshots, where their DAG's id contains a text."""
    content = route.fetch().json()
    for event in content["asset_events"]:
        event["extra"]["form"] += source_dag_id in event["source_dag_id"]
    route.fulfill(json=content)


def another_version(page: Page, server: Server) -> None:
    """A snapshot of another version hides no other; if there are only such, the page says what to do."""
    for newest, expected in (("weanalysis_morning", "analytics-prod.wechat"), ("", "Install the same version")):
        page.route("**/api/v2/assets/events?*", functools.partial(make_another_version, newest))
        page.goto(f"{server.url}/plugin/weanalysis")
        page.locator(".wxa-tiles, .wxa-message").first.wait_for()
        holds("of another version", page.locator(".wxa").inner_text(), expected)
        page.unroute("**/api/v2/assets/events?*")


def nothing_yet(page: Page, server: Server) -> None:
    """Without a snapshot the page says what to add to a DAG; what it may not read it says as well."""
    page.route("**/api/v2/assets?*", lambda route: route.fulfill(json={"assets": [], "total_entries": 0}))
    page.goto(f"{server.url}/plugin/weanalysis")
    page.locator(".wxa-message").wait_for()
    holds("without a snapshot", page.locator(".wxa-message").inner_text(), "weanalysis_heal(")
    no_serious_findings(page)
    page.unroute("**/api/v2/assets?*")
    page.route("**/api/v2/assets?*", lambda route: route.fulfill(status=403, json={"detail": "Forbidden"}))
    page.goto(f"{server.url}/plugin/weanalysis")
    page.locator(".wxa-message").wait_for()
    holds("without permission", page.locator(".wxa-message").inner_text(), "You may not see assets")
    page.unroute("**/api/v2/assets?*")


def a_hundred_apps(page: Page, server: Server) -> None:
    """Measure how long it takes until a hundred apps with 13 endpoints and 400 days are drawn."""
    times = []
    for _ in range(3):
        page.goto(f"{server.url}/dags/weanalysis_hundred/plugin/weanalysis-dag")
        page.locator(".wxa-tiles").wait_for()
        times.append(round(page.evaluate(PAINTED)))
        page.locator(".wxa-app").nth(99).wait_for()
    same("apps", page.locator(".wxa-app").count(), 100)
    print(f"100 apps drawn after {times} ms", flush=True)


def take_pictures(browser: Browser, server: Server) -> None:
    """Take the pictures of the docs."""
    from PIL import Image

    PICTURES.mkdir(exist_ok=True)
    for scheme, locale in (("light", "en-US"), ("dark", "zh-CN"), ("light", "zh-CN"), ("dark", "en-US")):
        with opened(browser, server, scheme, locale) as page:
            page.route("**/api/v2/assets?*", only_the_shops)
            page.goto(f"{server.url}/plugin/weanalysis")
            page.locator(".wxa-tiles").wait_for()
            page.locator(".wxa-strip").nth(6).hover()
            page.wait_for_timeout(500)
            picture = PICTURES / f"page-{locale[:2]}-{scheme}.png"
            page.screenshot(path=picture)
            with Image.open(picture) as taken:  # a third of the bytes, and no difference that one sees
                taken.convert("RGB").quantize(128, dither=Image.Dither.NONE).save(picture, optimize=True)


def only_the_shops(route: Route) -> None:
    """Hide the other destinations from the pictures."""
    reply = route.fetch()
    assets = [asset for asset in reply.json()["assets"] if "weanalysis_shops" in asset["uri"]]
    route.fulfill(json={"assets": assets, "total_entries": len(assets)})


if __name__ == "__main__":
    sys.exit(main())
