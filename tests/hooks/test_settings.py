"""What a connection may say, and what is refused before any secret travels."""

from __future__ import annotations

import json

import pytest
from airflow.providers.common.compat.sdk import Connection

from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.hooks.settings import DEFAULT_HOST, Settings


def settings(extra=None, **fields):
    fields = {"login": "wx1", "password": "s3cret", "extra": extra, **fields}
    fields["extra"] = json.dumps(fields["extra"] or {})
    return Settings.from_connection(Connection(conn_id="c", conn_type="weanalysis", **fields))


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
        ({"host": "ftp://x"}, "no http or https address"),
        ({"host": "https://user:s3cret@x"}, "host holds a user name or password before the @"),
        ({"host": "https://x?y=1"}, r"without \? or #"),
        ({"host": "https://x:99999"}, "no http or https address"),
        ({"host": "https://[::1"}, "no http or https address"),
        ({"host": "http://api.weixin.qq.com\\@127.0.0.1"}, "plain http to api.weixin.qq.com"),
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
            "central_url uses plain http to tokens.example",
        ),
        (
            {"extra": {"auth": "central", "central_url": "https://t.example", "central_authorization": "s3cret 密"}},
            "central_authorization is a header, which holds ASCII only",
        ),
        ({"extra": {"auth": "authorizer", "component_appid": "a"}}, "extra component_access_token is empty"),
        ({"extra": {"timeout": 0}}, "timeout=0 is no number from"),
        ({"extra": {"timeout": "soon"}}, "timeout='soon'"),
        ({"extra": {"timeout": 10**400}}, "is no number from"),
        ({"extra": {"max_concurrency": 65}}, "max_concurrency=65"),
        ({"extra": {"max_concurrency": 1.5}}, "no whole number"),
        ({"extra": {"requests_per_minute": -1}}, "requests_per_minute=-1"),
        ({"extra": {"requests_per_minute": True}}, "requests_per_minute=True"),
        ({"extra": {"proxies": ["x"]}}, "proxies is a proxy's URL"),
        ({"extra": {"proxies": "{not json"}}, "proxies is no valid JSON"),
        ({"extra": {"proxies": "ftp://user:s3cret@proxy"}}, "proxies: the URLs begin with one of http, https, socks4"),
    ],
)
def test_connections_that_cannot_work(fields, message):
    with pytest.raises(ConfigurationError, match=message) as caught:
        settings(**fields)
    assert "Connection 'c'" in str(caught.value)
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
        ({"verify": "ca.pem"}, "verify", "ca.pem"),
        ({"proxies": "http://proxy:3128"}, "proxies", {"http": "http://proxy:3128", "https": "http://proxy:3128"}),
        ({"proxies": '{"https": "http://proxy:3128"}'}, "proxies", {"https": "http://proxy:3128"}),
        ({"proxies": {"https": "http://proxy:3128"}}, "proxies", {"https": "http://proxy:3128"}),
    ],
)
def test_transport_settings(extra, name, value):
    assert getattr(settings(extra), name) == value


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
