"""Whatever a person writes into an argument or a connection: it works, or a ConfigurationError says why not."""

from __future__ import annotations

import contextlib
import datetime as dt
from types import SimpleNamespace

import pendulum
import pytest
import requests
from hypothesis import example, given, settings
from hypothesis import strategies as st

from airflow_provider_wxanalysis.bigquery.names import table_name
from airflow_provider_wxanalysis.endpoints import ENDPOINTS, resolve
from airflow_provider_wxanalysis.exceptions import ConfigurationError
from airflow_provider_wxanalysis.operators.weanalysis import WeAnalysisUserPortraitOperator
from airflow_provider_wxanalysis.periods import SHANGHAI, Period
from airflow_provider_wxanalysis.tasks.runs import explicit_periods, lookback_offsets, run_periods
from airflow_provider_wxanalysis.wechat.settings import AUTH_NEEDS, Settings
from tests.operators.test_weanalysis import ALL, make

#: Constructing an operator takes Airflow a while.
a_few = settings(max_examples=40)
now = pendulum.datetime(2026, 3, 3, 12, tz=SHANGHAI)

scalars = st.one_of(
    st.none(), st.booleans(), st.integers(), st.sampled_from([10**400, -(10**400)]), st.floats(), st.text(),
    st.binary(max_size=5), st.dates(), st.datetimes(), st.timedeltas(),
)  # fmt: skip
anything = scalars | st.lists(scalars, max_size=3) | st.dictionaries(st.text() | st.integers(), scalars, max_size=3)
date_texts = st.one_of(
    st.dates().map(str), st.dates().map("{:%Y%m%d}".format), st.from_regex(r"\d{4}-?\d{2}-?\d{2}", fullmatch=True)
)
refused = contextlib.suppress(ConfigurationError)


@pytest.mark.parametrize("window", dict.fromkeys(entry.window for entry in ENDPOINTS.values()), ids=repr)
@given(st.one_of(date_texts, anything), st.one_of(date_texts, anything))
@example("0001-01-01", "0001-01-31")
@example("9999-12-01", "9999-12-31")
@example(dt.date.min, dt.date.max)
def test_dates(window, from_date, to_date):
    with refused:
        periods = explicit_periods(window, from_date, to_date, now)
        assert 1 <= len(periods) <= now.date().toordinal() - dt.date(2017, 1, 1).toordinal()
        assert all(isinstance(period, Period) and period.closes_at <= now for period in periods)


@pytest.mark.parametrize("name", ["daily_summary", "weekly_retain", "monthly_retain", "user_portrait_30d"])
@given(st.one_of(date_texts, st.text()))
@example("9999-12-31")
@example("0001-01-01")
def test_partition_keys(name, key):
    from airflow.providers.common.compat.sdk import AirflowSkipException

    with refused, contextlib.suppress(AirflowSkipException):
        assert len(run_periods(ENDPOINTS[name], {"partition_key": key}, None, None)) == 1


@given(anything | st.lists(st.integers(-1, 400), max_size=5) | st.integers(-1, 400))
def test_offsets(lookback):
    with refused:
        offsets = lookback_offsets(lookback)
        assert all(1 <= offset <= 366 for offset in offsets)


PARTS = ["my-project", "d", "t", ".", "..", "{appid}", "{endpoint}", "{", "}", "`", "$20260101", ":", "访问", " ", "\0"]


@given(st.lists(st.sampled_from(PARTS), max_size=8).map("".join) | anything)
def test_tables(text):
    with refused:
        name = table_name(text, appid="wx1", endpoint="visit_page")
        assert all(name)
        assert not set("`'\"\\\n;{} ") & set(str(name))


@given(
    st.sampled_from([*ENDPOINTS]) | anything, anything | st.dictionaries(st.sampled_from(["modules", "x"]), anything)
)
def test_endpoints_and_their_options(name, options):
    with refused:
        assert resolve(name, options).name in ENDPOINTS


ARGUMENTS = ("endpoint", "endpoint_options", "from_date", "to_date", "lookback", "on_empty", "empty_is_ready_after",
             "destination_project_dataset_table")  # fmt: skip
TAKEN = {
    "operator": ARGUMENTS[:5],
    "sensor": (*ARGUMENTS[:4], "empty_is_ready_after"),
    "transfer": ARGUMENTS,
}


@pytest.mark.parametrize("kind", ALL)
@a_few
@given(st.data())
def test_operators(kind, data):
    names = data.draw(st.sets(st.sampled_from(TAKEN[kind]), min_size=1, max_size=3))
    with refused:
        make(kind, **{name: data.draw(anything) for name in names})


@a_few
@given(anything)
def test_portraits(days):
    with refused:
        assert WeAnalysisUserPortraitOperator(task_id="t", window_days=days).entry.name.startswith("user_portrait")


hosts = st.one_of(
    st.text(),
    st.lists(
        st.sampled_from(["http", "https", "ftp", "://", "//", "127.0.0.1", "localhost", "api.weixin.qq.com", "API.x",
                         "@", ":", "8070", "99999", "\\", "/", "?", "#", "[", "]", "::1", " ", "%", "密", "user:pw"]),
        max_size=6,
    ).map("".join),
)  # fmt: skip
EXTRAS = ("timeout", "verify", "proxies", "requests_per_minute", "max_concurrency", "central_authorization",
          "access_token", "component_appid", "component_access_token", "authorizer_refresh_token")  # fmt: skip


@given(
    login=anything | st.just("wx1"),
    password=anything,
    host=hosts,
    schema=st.sampled_from([None, "", "http", "https", "ftp"]),
    port=st.none() | st.integers(),
    extra=st.dictionaries(st.sampled_from(EXTRAS), anything | st.text(), max_size=3),
    auth=st.sampled_from([*AUTH_NEEDS, "other", 5]),
    central_url=hosts,
)
def test_connections(login, password, host, schema, port, extra, auth, central_url):
    connection = SimpleNamespace(
        conn_id="c", login=login, password=password, host=host, schema=schema, port=port,
        extra_dejson={"auth": auth, "central_url": central_url, **extra},
    )  # fmt: skip
    with refused:
        found = Settings.from_connection(connection)
        for url in filter(None, [found.base_url, found.central_url]):
            sent = requests.Request("POST", f"{url}/path").prepare().url or ""
            assert sent.startswith(url), "or no token would be added"
            assert sent.startswith(("https://", "http://127.0.0.1", "http://localhost", "http://[::1]"))


@pytest.mark.parametrize("extra", [[], "text", 7, None])
def test_an_extra_that_is_not_an_object(extra):
    connection = SimpleNamespace(
        conn_id="c", login="wx1", password="s", host="", schema="", port=None, extra_dejson=extra
    )
    with pytest.raises(ConfigurationError, match="extra must be a JSON object"):
        Settings.from_connection(connection)
