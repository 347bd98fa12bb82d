"""The hook finds its way as requests does: proxies and certificates from the connection or from the environment."""

import base64
import dataclasses
import os
import ssl
from typing import Any

import pytest
from requests import adapters

from airflow_provider_wxanalysis.exceptions import TransportError, WeAnalysisError
from airflow_provider_wxanalysis.testing import CANARY
from airflow_provider_wxanalysis.wechat.addresses import proxies
from airflow_provider_wxanalysis.wechat.client import Client
from airflow_provider_wxanalysis.wechat.settings import Settings
from airflow_provider_wxanalysis.wechat.waits import FetchCancelledError
from tests.support.canary import shown
from tests.support.relays import http_proxy, tls

APP = "wx00000000000000a1"
PATH = "/cgi-bin/openapi/quota/get"
BODY = {"cgi_path": "/datacube/getweanalysisappiddailysummarytrend"}
BASIC = base64.b64encode(b"user:canary").decode()


@pytest.fixture
def settings(wechat_server, monkeypatch):
    for name in ("HTTP_PROXY", "HTTPS_PROXY", "ALL_PROXY", "NO_PROXY", "REQUESTS_CA_BUNDLE", "CURL_CA_BUNDLE"):
        monkeypatch.delenv(name, raising=False)
        monkeypatch.delenv(name.lower(), raising=False)
    return Settings(APP, wechat_server.url, secret=wechat_server.apps.secret(APP), timeout=10)


@pytest.fixture
def proxy():
    seen: list[Any] = []
    with http_proxy(seen) as url:
        yield url.replace("//", "//user:canary@"), seen


@pytest.fixture
def encrypted(wechat_server, settings, tmp_path):
    with tls(wechat_server.port, tmp_path) as (url, authority):
        yield dataclasses.replace(settings, base_url=url), str(authority)


def ask(settings, times=2):
    """Make calls, a token call first, and return what was asked through the session at last."""
    client = Client(settings, lambda token: None, attempts=1)
    with client:
        session = client.session(lambda token: None)
        for _ in range(times):
            assert client.post(PATH, BODY, endpoint="quota")["errcode"] == 0
        # requests' own way has to be the same.
        assert session.post(settings.base_url + PATH, json=BODY).ok


def test_straight(settings, wechat_server):
    ask(settings)
    assert [call.path for call in wechat_server.calls] == ["/cgi-bin/stable_token", PATH, PATH, PATH]


@pytest.mark.parametrize("place", ["connection", "environment"])
def test_plain_http_on_this_machine_passes_no_proxy(settings, proxy, wechat_server, monkeypatch, place):
    url, seen = proxy
    if place == "environment":
        monkeypatch.setenv("HTTP_PROXY", url)
    else:
        settings = dataclasses.replace(settings, proxies={"http": url, "https": url})
    ask(settings)
    assert len(wechat_server.calls) == 4
    assert seen == []


def test_a_certificate_nobody_trusts(encrypted):
    settings, _ = encrypted
    with pytest.raises(TransportError, match="TLS certificate or handshake of 127.0.0.1:.* set verify") as raised:
        ask(settings)
    assert not raised.value.busy


def test_a_ca_bundle_of_the_connection(encrypted):
    settings, authority = encrypted
    ask(dataclasses.replace(settings, verify=authority))


def test_a_ca_bundle_of_the_environment(encrypted, monkeypatch):
    settings, authority = encrypted
    monkeypatch.setenv("REQUESTS_CA_BUNDLE", authority)
    ask(settings)


@pytest.mark.skipif(hasattr(adapters, "_preloaded_ssl_context"), reason="requests has read its bundle at its import")
def test_requests_own_ca_bundle_is_the_default(encrypted, monkeypatch):
    settings, authority = encrypted
    monkeypatch.setattr(adapters, "DEFAULT_CA_BUNDLE_PATH", authority)
    ask(settings)


@pytest.mark.filterwarnings("ignore:Unverified HTTPS request")
def test_certificates_unseen(encrypted):
    settings, _ = encrypted
    ask(dataclasses.replace(settings, verify=False))


def test_tls_through_a_proxy(encrypted, proxy):
    (settings, authority), (url, seen) = encrypted, proxy
    ask(dataclasses.replace(settings, verify=authority, proxies={"https": url}))
    for head in seen:
        assert head.startswith(f"CONNECT {settings.base_url.removeprefix('https://')} HTTP/1.")
        assert f"Proxy-Authorization: Basic {BASIC}" in head
    assert len(seen) == 2, "one connection for the channel, one for the session"


def test_a_proxy_of_the_environment(encrypted, proxy, monkeypatch):
    (settings, authority), (url, seen) = encrypted, proxy
    settings = dataclasses.replace(settings, verify=authority)
    monkeypatch.setenv("HTTPS_PROXY", url)
    ask(settings)
    assert len(seen) == 2
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    ask(settings)
    assert len(seen) == 2


def test_the_connection_s_proxy_comes_first(encrypted, proxy, monkeypatch):
    (settings, authority), (url, seen) = encrypted, proxy
    monkeypatch.setenv("HTTPS_PROXY", "http://127.0.0.1:9")
    ask(dataclasses.replace(settings, verify=authority, proxies={"https": url}))
    assert len(seen) == 2


@pytest.mark.parametrize("place", ["connection", "environment"])
def test_a_proxy_s_password_is_never_shown(encrypted, monkeypatch, place):
    settings, _ = encrypted
    url = f"http://user:{CANARY}/x@127.0.0.1:9"
    if place == "environment":
        monkeypatch.setenv("HTTPS_PROXY", url)
    else:
        settings = dataclasses.replace(settings, proxies={"https": url})
    with pytest.raises(WeAnalysisError) as raised:
        ask(settings)
    assert CANARY not in shown(raised.value)
    assert "percent-encoded" in str(raised.value)
    with pytest.raises(WeAnalysisError) as raised:
        ask(dataclasses.replace(settings, proxies=proxies(f"user:{CANARY}@127.0.0.1:9")))
    assert CANARY not in shown(raised.value)
    assert "the proxy before 127.0.0.1" in str(raised.value)


def test_a_path_may_have_a_query_of_its_own(settings, wechat_server):
    client = Client(settings, lambda token: None, attempts=1)
    with client:
        assert client.post(f"{PATH}?lang=zh", BODY, endpoint="quota")["errcode"] == 0


def test_a_client_that_was_closed_makes_no_calls(settings, wechat_server):
    client = Client(settings, lambda token: None, attempts=1)
    client.close()
    with pytest.raises(FetchCancelledError):
        client.post(PATH, BODY, endpoint="quota")
    assert wechat_server.calls == []


class TestBundlesAreLoadedOnce:
    """Loading a CA bundle takes longer than a request; a task may have hundreds of apps, a triggerer looks all day."""

    @pytest.fixture
    def loads(self, monkeypatch):
        loads: list[Any] = []
        load = ssl.SSLContext.load_verify_locations
        monkeypatch.setattr(
            ssl.SSLContext,
            "load_verify_locations",
            lambda self, *args, **kwargs: loads.append(args) or load(self, *args, **kwargs),
            raising=False,
        )
        return loads

    def call(self, settings):
        with Client(settings, lambda token: None, attempts=1) as client:
            client.post(PATH, BODY, endpoint="quota")

    def test_for_all_apps_and_connections(self, encrypted, wechat_server, loads):
        settings, authority = encrypted
        for number in range(20):
            appid = f"wx{number:016x}"
            secret = wechat_server.apps.secret(appid)
            self.call(dataclasses.replace(settings, appid=appid, secret=secret, verify=authority))
        assert len(loads) == 1

    def test_a_bundle_that_changed_is_loaded_again(self, encrypted, loads):
        settings, authority = encrypted
        self.call(dataclasses.replace(settings, verify=authority))
        os.utime(authority, ns=(0, 0))
        self.call(dataclasses.replace(settings, verify=authority))
        assert len(loads) == 2
