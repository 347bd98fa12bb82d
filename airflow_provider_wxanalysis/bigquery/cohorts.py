"""Which cohorts of retention figures have users in the table."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from google.cloud.bigquery import ArrayQueryParameter

from airflow_provider_wxanalysis.periods import Period

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.bigquery.destination import Destination


def living_cohorts(destination: Destination, keys: Iterable[tuple[str, Period]]) -> dict[tuple[str, Period], set[str]]:
    """Return by slice the cohorts that have users.

    Columns are aliased, since the table may spell them with capitals.

    :param destination: a table of retention figures.
    :param keys: AppID and period of the slices.
    """
    wanted = list(keys)
    statement = f"""SELECT appid AS appid, begin_date AS begin_date, end_date AS end_date, cohort AS cohort
FROM `{destination.table}`
WHERE appid IN UNNEST(@appids) AND begin_date IN UNNEST(@dates)
GROUP BY appid, begin_date, end_date, cohort
HAVING SUM(users) > 0"""
    parameters = [
        ArrayQueryParameter("appids", "STRING", sorted({appid for appid, _ in wanted})),
        ArrayQueryParameter("dates", "DATE", sorted({period.begin_date for _, period in wanted})),
    ]
    found: defaultdict[tuple[str, Period], set[str]] = defaultdict(set)
    for row in destination.query(statement, parameters):
        found[row["appid"], Period(row["begin_date"], row["end_date"])].add(row["cohort"])
    return dict(found)
