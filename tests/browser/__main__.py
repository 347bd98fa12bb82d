"""See what a person sees, in real Airflows and headless Chromium: the connection form, and the page "WeChat data".

::

    apt-get install --no-install-recommends chromium fonts-wqy-zenhei npm
    .venv/bin/uv pip install --python .venv/bin/python --group browser
    .venv/bin/python -m tests.browser             # some minutes; pictures in .cache/browser
    .venv/bin/python -m tests.browser --update    # and the pictures of the docs are taken again

Not part of ``make test``, which needs nothing but PyPI.
"""

from __future__ import annotations

import json
import shutil
import sys
from typing import Any

from airflow_provider_wxanalysis.get_provider_info import HOOK_NAME, UI_FIELD_BEHAVIOUR
from airflow_provider_wxanalysis.testing import WeChatServer, faults
from tests.browser import data_page
from tests.browser.airflow_ui import AirflowUI, airflow_ui
from tests.browser.checks import holds, same
from tests.browser.connections_page import ConnectionsPage, connections_page
from tests.support.airflow_home import CACHE
from tests.support.servers import REPOSITORY

OUTPUT = CACHE / "browser"
DOCS_PICTURE = REPOSITORY / "docs" / "images" / "connection-form.png"
APPID, SECRET = "wx0123456789abcdef", "0123456789abcdef0123456789abcdef"
CONN_ID = "weanalysis_default"
HOST = UI_FIELD_BEHAVIOUR["relabeling"]["host"]
CONNECTED = f"Connected as {APPID} (auth=stable, token good for "


def main() -> int:
    """Walk through it and say what was seen."""
    shutil.rmtree(OUTPUT, ignore_errors=True)
    OUTPUT.mkdir(parents=True)
    with (
        WeChatServer({APPID: SECRET}) as wechat,
        airflow_ui(OUTPUT) as airflow,
        connections_page(airflow.url) as page,
    ):
        fill_in(page, wechat)
        check_what_is_stored(airflow, wechat)
        press_test(page, wechat)
        edit(page, wechat)
        without_the_browser(airflow, wechat)
    if "--update" in sys.argv[1:]:
        shutil.copyfile(OUTPUT / "form.png", DOCS_PICTURE)
    print(f"Pictures: {OUTPUT}")
    return data_page.main()


def fill_in(page: ConnectionsPage, wechat: WeChatServer) -> None:
    """Fill in the form for the local server and save it."""
    form = page.add(CONN_ID, HOOK_NAME)
    form.fill({"Port": "443", "AppID": APPID, "AppSecret": SECRET})
    form.picture(OUTPUT / "form.png")
    form.fill({HOST: "http://127.0.0.1", "Port": str(wechat.port)})
    form.open("Extra Fields")
    form.fill_extra({"timeout": "", "requests_per_minute": "600", "verify": "false"})
    form.fill_extra({"central_authorization": "Bearer form", "component_appid": "wx00000000000000cc"})
    form.picture(OUTPUT / "form-extra.png")
    form.save()


def check_what_is_stored(airflow: AirflowUI, wechat: WeChatServer) -> None:
    """Compare what REST shows, and what the hook reads, with what was typed."""
    shown = airflow.rest("GET", f"/api/v2/connections/{CONN_ID}")
    extra = json.loads(shown.pop("extra"))
    same("REST shows no secret", (shown["password"], extra.pop("central_authorization")), ("***", "***"))
    same(
        "REST shows the rest",
        {name: shown[name] for name in ("conn_type", "host", "login", "port", "schema")},
        {"conn_type": "weanalysis", "host": "http://127.0.0.1", "login": APPID, "port": wechat.port, "schema": None},
    )
    typed = {"requests_per_minute": 600, "verify": "false", "component_appid": "wx00000000000000cc"}
    same("extras keep their types", {k: v for k, v in extra.items() if v is not None and k in typed}, typed)
    same("untouched extras stay empty", (extra["auth"], extra["max_concurrency"]), (None, None))
    same("an emptied number is null", extra["timeout"], None)
    check_what_the_hook_reads(wechat, 600)


def check_what_the_hook_reads(wechat: WeChatServer, per_minute: int) -> None:
    """Read the connection from Airflow's database as tasks do."""
    from airflow.models import Connection

    from airflow_provider_wxanalysis.wechat.settings import Settings

    expected = Settings(
        appid=APPID,
        secret=SECRET,
        base_url=wechat.url,
        verify=False,
        requests_per_minute=per_minute,
        central_authorization="Bearer form",
        component_appid="wx00000000000000cc",
    )
    found = Settings.from_connection(Connection.get_connection_from_secrets(CONN_ID))
    same("the hook reads it", found == expected, True)


def press_test(page: ConnectionsPage, wechat: WeChatServer) -> None:
    """Press Test: all well; the IP not in the allow-list."""
    holds("Test says", page.test(OUTPUT / "test-success.png"), CONNECTED)
    wechat.faults.add(faults.errcode(40164), endpoint="token")
    holds("Test names the IP", page.test(OUTPUT / "test-ip.png"), "invalid ip 203.0.113.7")


def edit(page: ConnectionsPage, wechat: WeChatServer) -> None:
    """Change fields: the secrets that the form does not show must survive it."""
    form = page.edit()
    form.open("Extra Fields")
    form.fill_extra({"requests_per_minute": "60"})
    form.save()
    check_what_the_hook_reads(wechat, 60)

    form = page.edit()
    form.fill({"AppSecret": "not-the-secret"})
    form.save()
    holds("Test finds the wrong secret", page.test(OUTPUT / "test-secret.png"), "The AppSecret (connection field")
    form = page.edit()
    form.fill({"AppSecret": SECRET})
    form.save()


def without_the_browser(airflow: AirflowUI, wechat: WeChatServer) -> None:
    """Test by command line and by REST, as deployments do."""
    wechat.faults.add(faults.errcode(40243), endpoint="token")
    code, text = airflow.cli("connections", "test", CONN_ID)
    same("airflow connections test fails", code, 1)
    holds("airflow connections test says why", text, "The AppSecret is frozen; unfreeze it")
    code, text = airflow.cli("connections", "test", CONN_ID)
    same("airflow connections test", (code, "Connection success!" in text), (0, True))
    connection: dict[str, Any] = {**wechat.connection(APPID), "connection_id": "not_saved"}
    connection["extra"] = json.dumps(connection["extra"])
    reply = airflow.rest("POST", "/api/v2/connections/test", connection)
    same("POST /api/v2/connections/test", reply["status"], True)
    holds("POST /api/v2/connections/test says", reply["message"], CONNECTED)


if __name__ == "__main__":
    sys.exit(main())
