"""A load replaces exactly its slices."""

from __future__ import annotations

import datetime as dt

import pytest
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery import destination as destination_module
from airflow_provider_wxanalysis.bigquery.destination import HEAL_ATTEMPTS
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import DestinationError
from airflow_provider_wxanalysis.periods import Period
from tests.bigquery.conftest import chunk_of, chunk_of_apps, day, page_rows
from tests.support.proxy import api_error


def held(read, dataset, **options):
    """What the table holds: (app, day, views) -> row."""
    rows = read(f"{dataset}.visit_page", **options)
    return {(row["appid"], row["begin_date"][-2:], row["page_visit_pv"]): row for row in rows}


def test_replaces_its_slices_and_nothing_else(writer, dataset, read):
    writer("first").replace(chunk_of({day(1): page_rows(day(1), 10, 20), day(2): page_rows(day(2), 30)}))
    writer("other").replace(chunk_of({day(1): page_rows(day(1), 10, appid="wxb")}, "wxb"))
    before = held(read, dataset, load_columns=True)

    writer("second").replace(chunk_of({day(1): page_rows(day(1), 11)}))

    after = held(read, dataset, load_columns=True)
    assert set(after) == {("wxa", "01", 11), ("wxa", "02", 30), ("wxb", "01", 10)}
    assert all(after[key] == before[key] for key in after if key != ("wxa", "01", 11))


def test_one_statement_replaces_slices_of_many_apps(proxy, writer, dataset, read):
    """Each row carries its app; the product of apps and dates is not what is replaced, but the slices alone."""
    others = {("wxa", day(2)): 20, ("wxb", day(1)): 30, ("wxd", day(1)): 40, ("wxd", day(3)): 50}
    writer("first").replace(chunk_of_apps({key: page_rows(key[1], n, appid=key[0]) for key, n in others.items()}))
    before = held(read, dataset, load_columns=True)
    proxy.exchanges.clear()

    new = {("wxa", day(1)): 11, ("wxb", day(2)): 22, ("wxd", day(3)): 55}
    slices = {key: page_rows(key[1], n, appid=key[0]) for key, n in new.items()}
    writer("second").replace(chunk_of_apps({**slices, ("wxd", day(1)): []}))

    after = held(read, dataset, load_columns=True)
    kept = {("wxa", "02", 20), ("wxb", "01", 30)}
    assert set(after) == kept | {("wxa", "01", 11), ("wxb", "02", 22), ("wxd", "03", 55)}
    assert all(after[key] == before[key] for key in kept)
    assert len(proxy.statements("MERGE")) == 1
    assert len(proxy.statements("SELECT appid")) == 1


def test_contents_of_slices(writer, dataset, monkeypatch):
    destination = writer()
    destination.replace(
        chunk_of_apps({("wxa", day(1)): page_rows(day(1), 1, 2), ("wxb", day(2)): page_rows(day(2), 3, appid="wxb")})
    )
    monkeypatch.setattr(destination_module, "MAX_SLICES", 2)  # as many as one query asks for
    keys = [("wxa", day(1)), ("wxa", day(2)), ("wxb", day(1)), ("wxb", day(2)), ("wxb", day(2))]
    found = destination.contents(iter(keys))
    assert {key: (held.rows, held.loads) for key, held in found.items()} == {
        ("wxa", day(1)): (2, 1),
        ("wxa", day(2)): (0, 0),
        ("wxb", day(1)): (0, 0),
        ("wxb", day(2)): (1, 1),
    }
    assert found["wxa", day(1)].load_id == destination.load_ids[0]
    assert abs(found["wxa", day(1)].loaded_at - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
    assert destination.contents([]) == {}


def test_windows_of_other_lengths_survive(writer, dataset, read):
    week = Period(day(1).begin_date, day(7).end_date)
    writer("day").replace(chunk_of({day(1): page_rows(day(1), 10)}))
    writer("week").replace(chunk_of({week: page_rows(week, 70)}))
    writer("day again").replace(chunk_of({day(1): page_rows(day(1), 11)}))
    assert sorted(key[2] for key in held(read, dataset)) == [11, 70]


def test_every_type_survives_the_journey(writer, dataset, read):
    (row,) = page_rows(day(1), 9_007_199_254_740_993)
    row |= {"page_path": "é\"\\\n\t'`${x}@rows{{ ds }}", "page_staytime_pv": 0.1 + 0.2}
    row["_extra"] = {"新": [1, 2.5, None, {"a": "9223372036854775808"}], "t": 'q"'}
    writer().replace(chunk_of({day(1): [row]}))
    assert read(f"{dataset}.visit_page") == [row]


def test_load_columns_name_job_run_task_and_time(writer, dataset, read, bq):
    slices = writer("the-run")
    slices.replace(chunk_of({day(1): page_rows(day(1), 10)}))
    ((_, row),) = held(read, dataset, load_columns=True).items()
    assert (row["_load_id"], row["_run_id"]) == (slices.load_ids[0], "the-run")
    assert (row["_dag_id"], row["_task_id"]) == (dataset, "task")
    assert abs(row["_loaded_at"] - dt.datetime.now(dt.UTC)) < dt.timedelta(minutes=5)
    assert bq.get_job(row["_load_id"]).statement_type == "MERGE"


def test_no_rows_empty_the_slice(writer, dataset, read):
    writer("first").replace(chunk_of({day(1): page_rows(day(1), 10), day(2): page_rows(day(2), 20)}))
    writer("second").replace(chunk_of({day(1): [], day(2): page_rows(day(2), 21)}))
    assert sorted(key[2] for key in held(read, dataset)) == [21]


@pytest.mark.parametrize(
    ("reason", "message", "advice"),
    [
        ("accessDenied", "Access Denied: Table p:d.t: User does not have permission", "roles/bigquery.dataEditor"),
        ("invalidQuery", "STRING(10) has maximum length 10 but got a value with length 14", "SET DATA TYPE STRING"),
        ("billingNotEnabled", "Billing has not been enabled for this project. DML queries are not allowed", "sandbox"),
    ],
)
def test_refusals_say_what_to_do(proxy, writer, dataset, read, reason, message, advice):
    slices, status = writer(), 400 if reason == "invalidQuery" else 403
    proxy.rules.append(lambda e: api_error(status, reason, message) if e.sql.startswith("MERGE") else None)
    with pytest.raises(DestinationError, match=f"Writing to {dataset}.visit_page: .*{advice}") as caught:
        slices.replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert not caught.value.retryable
    assert held(read, dataset) == {}


def inject_second_generation(bq, dataset, load_id="another"):
    """What two racing first loads leave behind: the same slice twice."""
    bq.query_and_wait(
        f"INSERT INTO `{dataset}.visit_page` (appid, begin_date, end_date, page_path, _loaded_at, _load_id) "
        f"VALUES ('wxa', '2026-03-01', '2026-03-01', 'pages/x', CURRENT_TIMESTAMP(), '{load_id}')"
    )


def race(proxy, bq, dataset, times):
    """Let another writer's generation slip in after each of the first ``times`` merges."""
    left = [times]

    def rule(exchange):
        if exchange.sql.startswith("SELECT appid") and left[0]:
            left[0] -= 1
            inject_second_generation(bq, dataset)
        return

    proxy.rules.append(rule)


def test_a_race_is_healed(proxy, writer, no_waiting, bq, dataset, read):
    race(proxy, bq, dataset, times=2)
    slices = writer()
    slices.replace(chunk_of({day(1): page_rows(day(1), 10), day(2): page_rows(day(2), 20)}))
    rows = held(read, dataset, load_columns=True)
    assert set(rows) == {("wxa", "01", 10), ("wxa", "02", 20)}
    # Only the raced slice was merged again.
    assert [rows["wxa", "01", 10]["_load_id"], rows["wxa", "02", 20]["_load_id"]] == [
        slices.load_ids[2],
        slices.load_ids[0],
    ]


def test_an_endless_race_ends_with_an_error(proxy, writer, no_waiting, bq, dataset):
    race(proxy, bq, dataset, times=1000)
    with pytest.raises(DestinationError, match="pool") as caught:
        writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert caught.value.retryable
    assert len(proxy.statements("MERGE")) == HEAL_ATTEMPTS


def test_a_writer_who_came_after_us_is_left_alone(proxy, writer, bq, dataset, read):
    def replaced_by_another(exchange):
        if exchange.sql.startswith("SELECT appid"):
            bq.query_and_wait(f"DELETE FROM `{dataset}.visit_page` WHERE TRUE")
            inject_second_generation(bq, dataset)
        return

    proxy.rules.append(replaced_by_another)
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert len(proxy.statements("MERGE")) == 1


@pytest.mark.parametrize("endpoint", ENDPOINTS.values(), ids=ENDPOINTS)
def test_every_table_shows_its_descriptions(prepare, bq, dataset, endpoint):
    prepare(endpoint)
    table = bq.get_table(f"{dataset}.{endpoint.name}")
    assert table.description == endpoint.description
    assert {field.name: field.description for field in table.schema} == {
        column.name: column.description for column in endpoint.table_columns
    }
    assert (table.time_partitioning.type_, table.time_partitioning.field) == ("DAY", "begin_date")
    assert table.clustering_fields == ["appid"]
    assert table.labels == {"weanalysis_endpoint": endpoint.label}
    assert [field.name for field in table.schema if field.mode == "REQUIRED"] == [
        "appid", "begin_date", "end_date", "_loaded_at", "_load_id",
    ]  # fmt: skip
    assert isinstance(table, bigquery.Table)
