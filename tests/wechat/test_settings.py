"""What a connection may say, and what is refused before any secret travels."""

from __future__ import annotations

import json
from dataclasses import replace

import pytest
from airflow.models import Connection as ORMConnection
from airflow.providers.common.compat.sdk import BaseHook, Connection

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.get_provider_info import CONN_FIELDS
from airflow_provider_wxanalysis.wechat.addresses import DEFAULT_HOST
from airflow_provider_wxanalysis.wechat.settings import Settings


def settings(extra=None, appid=None, **fields):
    fields = {"login": "wx1", "password": "s3cret", "extra": extra, **fields}
    fields["extra"] = json.dumps(fields["extra"] or {})
    return Settings.from_connection(Connection(conn_id="c", conn_type="weanalysis", **fields), appid)


def test_defaults_are_safe():
    found = settings()
    assert (found.appid, found.base_url, found.auth) == ("wx1", DEFAULT_HOST, "stable")
    assert (found.timeout, found.verify, found.max_concurrency, found.requests_per_minute) == (30, True, 4, None)


@pytest.mark.parametrize(
    ("fields", "url"),
    [
        ({"host": "api2.weixin.qq.com"}, "https://api2.weixin.qq.com"),
        ({"host": "https://proxy.example/wechat/"}, "https://proxy.example/wechat"),
        ({"host": "127.0.0.1", "schema": "http", "port": 8070}, "http://127.0.0.1:8070"),
        ({"host": "http://localhost:8070"}, "http://localhost:8070"),
        ({"host": "http://[::1]:8070"}, "http://[::1]:8070"),
        ({"host": "https://a.example", "port": 444}, "https://a.example:444"),
        ({"host": "https://a.example/wechat", "port": 444}, "https://a.example:444/wechat"),
        ({"host": "https://a.example:444", "port": 443}, "https://a.example:444"),
        ({"host": "API2.Weixin.QQ.com/Path"}, "https://api2.weixin.qq.com/Path"),
        ({"host": " ", "port": 443}, DEFAULT_HOST),
        ({"host": "https://api.weixin.qq.com:443"}, DEFAULT_HOST),
        ({"host": "http://127.0.0.1:80"}, "http://127.0.0.1"),
        ({"host": "api.weixin.qq.com."}, DEFAULT_HOST),
        ({"host": "https://api.weixin.qq.com.:443/"}, DEFAULT_HOST),
        ({"host": "", "schema": "", "port": 0}, DEFAULT_HOST),
        ({"host": "HTTPS://API.weixin.qq.com/"}, "https://api.weixin.qq.com"),
    ],
)
def test_hosts(fields, url):
    assert settings(**fields).base_url == url


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"login": None}, "login is empty; it holds the mini program's AppID"),
        ({"password": None}, r"password \(AppSecret\) is empty, but auth=stable needs it"),
        ({"password": "s3cret\n"}, "look for line breaks"),
        ({"host": "api.weixin.qq.com", "schema": "http"}, "plain http to api.weixin.qq.com"),
        ({"host": "http://10.0.0.1"}, "plain http"),
        ({"host": "http://127.0.0.1.example.com"}, "plain http"),
        ({"host": "ftp://x"}, "must be an http or https address"),
        ({"host": "https://user:s3cret@x"}, "host holds a user name or password before the @"),
        ({"host": "https://x?y=1"}, r"without \? or #"),
        ({"host": "https://x:99999"}, "host must be a web address; look for a wrong port"),
        ({"host": "https://x:0"}, "host must be a web address"),
        ({"host": "https://[::1"}, "host must be a web address"),
        ({"host": "https:/api.weixin.qq.com"}, "host must be a web address; look for .* a missing slash"),
        ({"host": "https:api.weixin.qq.com"}, "host must be a web address; look for .* a missing slash"),
        ({"host": "https//api.weixin.qq.com"}, "host must be a web address; look for .* a missing slash"),
        ({"host": "https:///api.weixin.qq.com"}, "host must be"),
        ({"host": "http:/127.0.0.1:8070"}, "host must be a web address; look for .* a missing slash"),
        ({"extra": {"auth": "central", "central_url": "https:/t.example"}}, "central_url must be"),
        ({"host": "api weixin"}, "host must be a web address"),
        ({"host": "https://例子.com"}, "host must be a web address"),
        ({"login": "ｗｘ1"}, "must be plain text; look for line breaks, invisible and foreign"),
        ({"extra": {"central_authorization": "Bearer s3cret 中"}}, "central_authorization must be plain text"),
        ({"extra": {"timeout": 10**400}}, "must be a number from 0.001 to 600"),
        ({"extra": {"timeout": "nan"}}, "timeout must be .*, got 'nan'"),
        ({"extra": {"proxies": "http://user:s3cret pw@proxy"}}, "proxies must be a URL such as"),
        ({"extra": {"proxies": "http://user:s3cret@:x"}}, "proxies must be a URL such as"),
        ({"extra": {"proxies": "http://user:s3cret@"}}, "proxies must be a URL such as"),
        ({"extra": ["s3cret"]}, "extra must be a JSON object, got list"),
        ({"host": "http://api.weixin.qq.com\\@127.0.0.1"}, "host must be a web address"),
        (
            {"extra": {"auth": "magic"}},
            "auth='magic' is unknown; choose one of stable, legacy, static",
        ),
        ({"extra": {"auth": "static"}}, "extra access_token is empty, but auth=static needs it"),
        ({"extra": {"auth": "central"}}, "extra central_url is empty"),
        ({"extra": {"auth": "central", "central_url": "http://tokens.example/{appid}"}}, "central_url uses plain http"),
        (
            {"extra": {"auth": "central", "central_url": "https://user:s3cret@tokens.example"}},
            "central_url holds a user name or password",
        ),
        (
            {"extra": {"auth": "central", "central_url": "http://tokens.example\\@127.0.0.1/"}},
            "central_url must be a web address",
        ),
        (
            {"extra": {"auth": "central", "central_url": "https://t.example", "central_authorization": "s3cret 密"}},
            "central_authorization must be plain text",
        ),
        ({"extra": {"auth": "authorizer", "component_appid": "a"}}, "extra component_access_token is empty"),
        ({"extra": {"timeout": 0}}, "timeout must be a number from .*, got 0"),
        ({"extra": {"timeout": "soon"}}, "timeout must be .*, got 'soon'"),
        ({"extra": {"timeout": 10**400}}, "must be a number from"),
        ({"extra": {"max_concurrency": 65}}, "max_concurrency must be a number from 1 to 64, got 65"),
        ({"extra": {"max_concurrency": 1.5}}, "must be a whole number, got 1.5"),
        ({"extra": {"requests_per_minute": -1}}, "requests_per_minute must be .*, got -1"),
        ({"extra": {"requests_per_minute": True}}, "requests_per_minute must be .*, got True"),
        ({"extra": {"proxies": ["x"]}}, "proxies must be a proxy's URL"),
        ({"extra": {"proxies": "{not json"}}, "proxies must be .* this is not JSON"),
        (
            {"extra": {"proxies": "ftp://user:s3cret@proxy"}},
            "proxies must be .*one of http, https, socks4",
        ),
    ],
)
def test_connections_that_cannot_work(fields, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        settings(**fields)
    assert str(caught.value).startswith("Connection 'c': ")
    assert "s3cret" not in str(caught.value)


@pytest.mark.parametrize(
    ("extra", "name", "value"),
    [
        ({"timeout": "12.5"}, "timeout", 12.5),
        ({"max_concurrency": "16"}, "max_concurrency", 16),
        ({"requests_per_minute": 600}, "requests_per_minute", 600),
        ({"requests_per_minute": ""}, "requests_per_minute", None),
        ({"verify": False}, "verify", False),
        ({"verify": "false"}, "verify", False),
        ({"verify": "False "}, "verify", False),
        ({"verify": True}, "verify", True),
        ({"verify": None}, "verify", True),
        ({"verify": "  "}, "verify", True),
        ({"verify": " /etc/ca.pem"}, "verify", "/etc/ca.pem"),
        ({"auth": None}, "auth", "stable"),
        ({"auth": " legacy "}, "auth", "legacy"),
        ({"timeout": None}, "timeout", 30.0),
        ({"timeout": " 5 "}, "timeout", 5.0),
        ({"timeout": ""}, "timeout", 30.0),
        ({"max_concurrency": 8.0}, "max_concurrency", 8),
        ({"proxies": "proxy:3128"}, "proxies", {"http": "http://proxy:3128", "https": "http://proxy:3128"}),
        ({"proxies": ' {"https": "socks5h://u:p%20w@proxy:1"} '}, "proxies", {"https": "socks5h://u:p%20w@proxy:1"}),
        ({"proxies": "http://proxy:3128"}, "proxies", {"http": "http://proxy:3128", "https": "http://proxy:3128"}),
        ({"proxies": '{"https": "http://proxy:3128"}'}, "proxies", {"https": "http://proxy:3128"}),
        ({"proxies": {"https": "http://proxy:3128"}}, "proxies", {"https": "http://proxy:3128"}),
    ],
)
def test_transport_settings(extra, name, value):
    assert getattr(settings(extra), name) == value


@pytest.mark.parametrize(
    ("uri", "expected"),
    [
        ("weanalysis://wx1:s3cret@", {}),
        ("weanalysis://wx1:s3cret@:443/", {"base_url": DEFAULT_HOST}),
        ("weanalysis://wx1:s3cret@api2.weixin.qq.com", {"base_url": "https://api2.weixin.qq.com"}),
        ("weanalysis://wx1:s3cret@127.0.0.1:8070/http", {"base_url": "http://127.0.0.1:8070"}),
        ("weanalysis://http://wx1:s3cret@127.0.0.1:8070", {"base_url": "http://127.0.0.1:8070"}),
        ("weanalysis://wx1:s%2Fcr%40t@", {"secret": "s/cr@t"}),
        (
            "weanalysis://wx1:s3cret@/?timeout=5&verify=false&max_concurrency=8&requests_per_minute=60&auth=legacy",
            {"timeout": 5.0, "verify": False, "max_concurrency": 8, "requests_per_minute": 60, "auth": "legacy"},
        ),
        (
            "weanalysis://wx1@/?auth=central&central_url=https%3A%2F%2Ftokens.example%2F%7Bappid%7D&verify=%2Fca.pem",
            {"auth": "central", "central_url": "https://tokens.example/wx1", "verify": "/ca.pem", "secret": None},
        ),
        (
            "weanalysis://wx1:s3cret@/?proxies=http%3A%2F%2Fproxy%3A3128&timeout=",
            {"proxies": {"http": "http://proxy:3128", "https": "http://proxy:3128"}, "timeout": 30.0},
        ),
    ],
)
def test_connections_written_as_a_uri(monkeypatch, uri, expected):
    monkeypatch.setenv("AIRFLOW_CONN_C", uri)
    found = Settings.from_connection(BaseHook.get_connection("c"))
    defaults = Settings("wx1", secret="s3cret")
    assert found == replace(defaults, **expected)


FORM = dict.fromkeys(CONN_FIELDS) | {
    name: field["schema"]["default"] for name, field in CONN_FIELDS.items() if "default" in field["schema"]
}


@pytest.mark.parametrize(
    "fields",
    [
        {},
        {"host": "https://proxy.example:8443/wechat/", "port": 443},
        {"host": "http://[::1]:8070"},
        {"host": "127.0.0.1", "schema": "http", "port": 8070},
        {"password": "a/b:c@d%20&+?#"},
        {"extra": {**FORM, "verify": False, "proxies": {"https": "http://u:p%40@proxy:1"}, "timeout": 2.5}},
    ],
)
def test_the_test_button_s_way_changes_nothing(monkeypatch, fields):
    """Airflow's API server hands the form's fields to the hook as a URI in its environment."""
    fields = {"login": "wx1", "password": "s3cret", "extra": FORM, **fields}
    stored = ORMConnection(conn_id="c", conn_type="weanalysis", **{**fields, "extra": json.dumps(fields["extra"])})
    monkeypatch.setenv("AIRFLOW_CONN_C", stored.get_uri())
    assert Settings.from_connection(BaseHook.get_connection("c")) == Settings.from_connection(stored)


def test_a_form_left_as_it_is_means_the_defaults():
    assert settings(FORM) == settings()


FULL = {
    "auth": "central",
    "central_url": "https://tokens.example/{appid}",
    "timeout": "5",
    "verify": "false",
    "proxies": "proxy:3128",
    "requests_per_minute": "60",
    "max_concurrency": "8",
    "app_name": "商店",
    "central_authorization": "Bearer s3cret",
}


def test_extras_under_the_long_names_of_airflow_s_older_forms():
    """They were stored as ``extra__weanalysis__timeout``, and those left empty too."""
    long = {f"extra__weanalysis__{name}": value for name, value in FULL.items()}
    assert settings(long) == settings(FULL)
    assert settings({**long, "timeout": 7}) == settings({**FULL, "timeout": 7}), "the short one says it later"
    assert settings({**FULL, **dict.fromkeys(long, "")}) == settings(FULL), "an empty one says nothing"


@pytest.mark.parametrize(("given", "name"), [("商店", "商店"), (" Shop ", "Shop"), ("", None), (None, None), (7, "7")])
def test_app_names(given, name):
    assert settings({"app_name": given}).app_name == name
    assert settings().app_name is None


SEVERAL = {"auth": "central", "central_url": "https://tokens.example/{appid}"}


@pytest.mark.parametrize(("appid", "name"), [(None, "商店"), ("wx1", "商店"), ("wx2", None)])
def test_a_name_is_that_of_the_connection_s_own_app(appid, name):
    assert settings({**SEVERAL, "app_name": "商店"}, appid=appid, login="wx1").app_name == name


@pytest.mark.parametrize(("login", "extra"), [("wx1", SEVERAL), (None, SEVERAL), ("wx2", {}), ("wx2", SEVERAL)])
def test_an_appid_that_the_connection_serves(login, extra):
    found = settings(extra, appid="wx2", login=login)
    assert found.appid == "wx2"
    assert found.central_url == ("https://tokens.example/wx2" if extra else None)


@pytest.mark.parametrize(
    "extra",
    [{}, {"auth": "legacy"}, {"auth": "static", "access_token": "s3cret"},
     {"auth": "central", "central_url": "https://tokens.example/wx1"}],
)  # fmt: skip
@pytest.mark.parametrize("login", ["wx1", None])
def test_an_appid_that_it_does_not_serve(login, extra):
    words = r"Connection 'c': it cannot serve app wx2: .* auth=central, and a central_url with \{appid\} in it"
    with pytest.raises(ConfigurationError, match=words):
        settings(extra, appid="wx2", login=login)


def test_the_token_server_s_address_is_filled_in():
    extra = {"auth": "central", "central_url": "https://tokens.example/wechat/{appid}?kind=mini"}
    assert settings(extra, password=None).central_url == "https://tokens.example/wechat/wx1?kind=mini"


def test_secrets_stay_out_of_the_repr():
    extra = {
        "auth": "static",
        "access_token": "canary-token",
        "central_authorization": "canary-authorization",
        "component_access_token": "canary-component",
        "authorizer_refresh_token": "canary-refresh",
        "proxies": "http://user:canary-proxy@proxy:3128",
    }
    found = settings(extra, password="canary-secret")
    assert found.access_token == "canary-token"
    assert "canary" not in f"{found!r}{found}"
