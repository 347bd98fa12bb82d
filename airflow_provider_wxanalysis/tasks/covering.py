"""Coverage as a task sees it: from connections and tables to states, and from gaps to arguments of loads."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from airflow_provider_wxanalysis.bigquery.ledger import Ledger
from airflow_provider_wxanalysis.bigquery.names import TableName, table_name
from airflow_provider_wxanalysis.bigquery.survey import Rows, Survey
from airflow_provider_wxanalysis.coverage.ranges import Range
from airflow_provider_wxanalysis.coverage.states import Coverage, Found, classify, expected_periods
from airflow_provider_wxanalysis.endpoints import Endpoint
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.periods import Period


class App(NamedTuple):
    """A mini program and where Airflow knows it from.

    :param appid: its AppID.
    :param name: the name people use for it, if the connection has one.
    :param ref: the connection, and the AppID where that serves many.
    """

    appid: str
    name: str | None
    ref: AppRef

    def __str__(self) -> str:
        return self.name or self.appid


def read_apps(refs: Iterable[AppRef]) -> tuple[list[App], dict[AppRef, WeAnalysisError]]:
    """Return AppIDs and names, as the connections have them; WeChat is not asked.

    :return: the apps, and why others are left out: their connections cannot be read.
    :raises WeAnalysisError: the first error, if none can be read.
    """
    from airflow_provider_wxanalysis.hooks.sharing import shared_hooks
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook

    apps: dict[str, App] = {}
    errors: dict[AppRef, WeAnalysisError] = {}
    for ref, hook in shared_hooks(refs, lambda ref: WeAnalysisHook(ref.conn_id, ref.appid)).items():
        try:
            apps.setdefault(hook.appid, App(hook.appid, hook.app_name, ref))
        except WeAnalysisError as error:
            errors[ref] = error
    if errors and not apps:
        raise next(iter(errors.values()))
    return list(apps.values()), errors


@dataclass
class Target:
    """One table and the apps that are in it.

    :param name: the table.
    :param endpoint: what it holds.
    :param apps: the apps.
    :param periods: the periods expected of each.
    """

    name: TableName
    endpoint: Endpoint
    apps: list[App]
    periods: tuple[Period, ...]

    @property
    def appids(self) -> list[str]:
        """The apps' AppIDs."""
        return [app.appid for app in self.apps]


def targets(
    destination: str, endpoints: Iterable[Endpoint], apps: Sequence[App], since: dt.date, now: dt.datetime
) -> Iterator[Target]:
    """Yield the tables that ``destination`` stands for: one per endpoint, or one per endpoint and app."""
    for endpoint in endpoints:
        periods = expected_periods(endpoint, since, now)
        by_table: dict[TableName, list[App]] = {}
        for app in apps:
            name = table_name(destination, appid=app.appid, endpoint=endpoint.name)
            by_table.setdefault(name, []).append(app)
        for name, own in by_table.items():
            yield Target(name, endpoint, own, periods)


@dataclass
class Picture:
    """Everything that the tables show.

    :param coverages: the states, table by table.
    :param slices: by endpoint, app and period, what is there.
    :param figures: by endpoint, app and period, rows to draw.
    """

    coverages: list[Coverage] = field(default_factory=list)
    slices: dict[str, dict[str, dict[Period, Found]]] = field(default_factory=dict)
    figures: dict[str, dict[str, dict[Period, Rows]]] = field(default_factory=dict)


def look(
    survey: Survey, tables: Sequence[Target], since: dt.date, now: dt.datetime, ready_after: dt.timedelta
) -> Picture:
    """Ask every table what it holds, and each dataset what loads have accepted as empty."""
    recorded: dict[str, dict[str, set[Period]]] = {}
    for ledger, own in ledgers(survey, tables):
        labels, appids = {target.endpoint.label for target in own}, {appid for target in own for appid in target.appids}
        for label, by_app in ledger.empty_periods(sorted(labels), sorted(appids), since).items():
            recorded.setdefault(label, {}).update(by_app)
    picture = Picture()
    for target in tables:
        if not target.periods:
            picture.coverages.append(Coverage(target.endpoint, (), dict.fromkeys(target.appids, ())))
            continue
        contents = survey.contents(target.name, target.endpoint, target.appids, target.periods[0].begin_date)
        name = target.endpoint.name
        picture.coverages.append(
            classify(
                target.endpoint,
                target.periods,
                contents.found,
                recorded.get(target.endpoint.label, {}),
                now=now,
                ready_after=ready_after,
            )
        )
        picture.slices.setdefault(name, {}).update(contents.found)
        picture.figures.setdefault(name, {}).update(contents.figures)
    return picture


def ledgers(survey: Survey, tables: Iterable[Target]) -> Iterator[tuple[Ledger, list[Target]]]:
    """Yield the ledger of each dataset that holds some of ``tables``, and those."""
    datasets: dict[tuple[str, str], list[Target]] = {}
    for target in tables:
        datasets.setdefault((target.name.project, target.name.dataset), []).append(target)
    for names, own in datasets.items():
        yield Ledger(survey.client, *names, survey.location, survey.labels), own


def load_arguments(
    item: Range, apps: Mapping[str, App], options: Mapping[str, Mapping[str, Any]]
) -> Iterator[dict[str, Any]]:
    """Yield the arguments of the loads that fetch a range: one load for all its apps, or one per shared connection."""
    dates: dict[str, Any] = {
        "endpoint": item.endpoint,
        "from_date": str(item.from_date),
        "to_date": str(item.to_date),
    }
    if item.endpoint in options:
        dates["endpoint_options"] = dict(options[item.endpoint])
    refs = [apps[appid].ref for appid in item.appids]
    own = [ref.conn_id for ref in refs if ref.appid is None]
    if own:
        yield {"weanalysis_conn_id": own[0] if len(own) == 1 else own, **dates}
    shared = dict.fromkeys(ref.conn_id for ref in refs if ref.appid is not None)
    for conn_id in shared:
        yield {"weanalysis_conn_id": conn_id, "appids": [r.appid for r in refs if r.conn_id == conn_id], **dates}
