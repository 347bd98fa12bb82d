"""A load replaces exactly its slices."""

from __future__ import annotations

import datetime as dt
import json

import pytest
from google.api_core.exceptions import NotFound
from google.cloud import bigquery

from airflow_provider_wxanalysis.bigquery.slices import HEAL_ATTEMPTS
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.exceptions import DestinationError, SupersededError
from airflow_provider_wxanalysis.periods import Period
from tests.bigquery.conftest import chunk_of, day, page_rows
from tests.support.proxy import DROP, api_error


def held(read, dataset, **options):
    """What the table holds: (app, day, views) -> row."""
    rows = read(f"{dataset}.visit_page", **options)
    return {(row["appid"], row["begin_date"][-2:], row["page_visit_pv"]): row for row in rows}


def test_replaces_its_slices_and_nothing_else(writer, dataset, read):
    writer("first").replace(chunk_of({day(1): page_rows(day(1), 10, 20), day(2): page_rows(day(2), 30)}))
    writer("other", appid="wxb").replace(chunk_of({day(1): page_rows(day(1), 10)}))
    before = held(read, dataset, load_columns=True)

    writer("second").replace(chunk_of({day(1): page_rows(day(1), 11)}))

    after = held(read, dataset, load_columns=True)
    assert set(after) == {("wxa", "01", 11), ("wxa", "02", 30), ("wxb", "01", 10)}
    assert all(after[key] == before[key] for key in after if key != ("wxa", "01", 11))


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


def test_two_equal_runs_load_what_is_new(writer, dataset, read):
    """A like-named run has used the job ids before: its jobs are waited for, and the next free id is taken."""
    writer("same").replace(chunk_of({day(1): page_rows(day(1), 10)}))
    again = writer("same")
    again.replace(chunk_of({day(1): page_rows(day(1), 11)}))
    assert [key[2] for key in held(read, dataset)] == [11]
    assert again.load_ids[0].endswith("_t1_n1")


def test_a_later_try_fences_the_earlier_one(writer, dataset, read):
    first, second = writer(try_number=1), writer(try_number=2)
    first.replace(chunk_of({day(1): page_rows(day(1), 10)}))
    second.replace(chunk_of({day(1): page_rows(day(1), 11)}))
    with pytest.raises(SupersededError, match="later try"):
        first.replace(chunk_of({day(1): page_rows(day(1), 12)}))
    assert [key[2] for key in held(read, dataset)] == [11]
    # A third try finds the fences of the second and takes over from it in turn.
    writer(try_number=3).replace(chunk_of({day(1): page_rows(day(1), 13)}))
    assert [key[2] for key in held(read, dataset)] == [13]


def test_a_request_that_arrives_late_is_refused(proxy, writer, dataset, read):
    """The first try's request is held up on the way; the second try's load stands."""
    late = []
    proxy.rules.append(
        lambda exchange: (
            (late.append(exchange), api_error(403, "accessDenied", "held up"))[1]
            if exchange.sql.startswith("MERGE") and not late
            else None
        )
    )
    with pytest.raises(DestinationError):
        writer(try_number=1).replace(chunk_of({day(1): page_rows(day(1), 10)}))
    writer(try_number=2).replace(chunk_of({day(1): page_rows(day(1), 11)}))
    proxy.forward(late[0])
    assert late[0].status == 409
    assert [key[2] for key in held(read, dataset)] == [11]


def test_a_lost_reply_is_no_second_load(proxy, writer, dataset, read):
    lost = []

    def lose_the_first(exchange):
        if exchange.sql.startswith("MERGE") and not lost:
            lost.append(exchange)
            return DROP
        return None

    proxy.rules.append(lose_the_first)
    slices = writer()
    slices.replace(chunk_of({day(1): page_rows(day(1), 10)}))
    ids = [exchange.job_id for exchange in proxy.statements("MERGE")]
    assert len(ids) == 2
    assert len(set(ids)) == 1
    assert slices.load_ids == [ids[0]]
    assert len(held(read, dataset)) == 1


CONTENTION = [
    "Could not serialize access to table p:d.t due to concurrent update",
    "Transaction is aborted due to concurrent update against table p:d.t",
    "Too many DML statements outstanding against table p:d.t, limit is 20.",
    "Job exceeded rate limits: Your table exceeded quota for table update operations",
]


def twice(answer):
    """A rule for the first two MERGEs, which says what becomes of them."""
    seen = []

    def rule(exchange):
        if not exchange.sql.startswith("MERGE") or len(seen) == 2:
            return None
        seen.append(exchange)
        return answer(exchange)

    return rule


def numbers(proxy):
    """The numbers under which jobs were submitted, in order."""
    posts = [exchange for exchange in proxy.exchanges if exchange.method == "POST" and exchange.job_id]
    return [int(exchange.job_id.rsplit("_n")[1]) for exchange in posts]


@pytest.mark.parametrize("message", CONTENTION)
def test_contention_is_waited_out_under_a_new_id(proxy, writer, no_waiting, dataset, read, message):
    def fail(exchange):  # a job that BigQuery takes and that fails
        body = exchange.body
        body["configuration"]["query"] = {"query": f"SELECT ERROR('{message}')", "useLegacySql": False}
        exchange.raw = json.dumps(body).encode()

    proxy.rules.append(twice(fail))
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert numbers(proxy) == [0, 1, 2]
    assert len(no_waiting) == 2
    assert len(held(read, dataset)) == 1


@pytest.mark.parametrize("message", CONTENTION)
def test_a_submission_that_made_no_job_uses_no_number(proxy, writer, no_waiting, dataset, read, message):
    """A later try fences the first free number; if there were jobs after it, those would go on."""
    proxy.rules.append(twice(lambda exchange: api_error(400, "invalidQuery", message)))
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert numbers(proxy) == [0, 0, 0]
    assert len(no_waiting) == 2
    assert len(held(read, dataset)) == 1


@pytest.mark.parametrize("state", ["RUNNING", None], ids=["runs still", "is done"])
def test_a_question_that_fails_is_no_job_that_failed(proxy, writer, no_waiting, dataset, read, state):
    """Or a second MERGE would run beside the first, and both would insert."""
    answers = {"queries": [api_error(400, "invalidQuery", CONTENTION[0])], "jobs": []}

    def rule(exchange):
        kind = exchange.path.split("?")[0].split("/")[-2]
        if exchange.sql.startswith("MERGE"):
            proxy.forward(exchange)
            resource = json.loads(exchange.answer)
            if exchange.status == 200 and state:
                resource["status"] = {"state": state}
                answers["jobs"] += [(200, resource), (200, resource)]
            return exchange.status, resource
        return answers[kind].pop() if exchange.method == "GET" and answers.get(kind) else None

    proxy.rules.append(rule)
    slices = writer()
    slices.replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert set(numbers(proxy)) == {0}
    assert not any(answers.values())
    assert len(held(read, dataset)) == 1


def unknown_job(times):
    """A rule: the reply to the MERGE is lost, and BigQuery, asked for the job, does not know it for a while."""
    left = {"POST": 1, "GET": times}

    def rule(exchange):
        ours = exchange.sql.startswith("MERGE") if exchange.method == "POST" else "/jobs/" in exchange.path
        if not ours or not left.get(exchange.method):
            return None
        left[exchange.method] -= 1
        return DROP if exchange.method == "POST" else api_error(404, "notFound", "Not found: Job p:US.j")

    return rule


def test_a_job_unknown_for_a_moment_is_no_reason_to_give_up(proxy, writer, no_waiting, dataset, read):
    proxy.rules.append(unknown_job(times=3))
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert set(numbers(proxy)) == {0}
    assert len(no_waiting) == 3
    assert len(held(read, dataset)) == 1


def test_a_job_that_stays_unknown_is_left_to_a_retry(proxy, writer, no_waiting):
    proxy.rules.append(unknown_job(times=1000))
    with pytest.raises(NotFound):  # and no DestinationError, which would end the task for good
        writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))


def test_a_run_made_anew_under_an_old_name_passes_the_old_run_s_fences(writer, dataset, read):
    writer(try_number=1).replace(chunk_of({day(1): page_rows(day(1), 10)}))
    writer(try_number=2).replace(chunk_of({day(1): page_rows(day(1), 11)}))
    with pytest.raises(SupersededError, match="earlier run of the same name") as caught:
        writer(try_number=1).replace(chunk_of({day(1): page_rows(day(1), 12)}))
    assert caught.value.retryable
    writer(try_number=2).replace(chunk_of({day(1): page_rows(day(1), 13)}))
    assert [key[2] for key in held(read, dataset)] == [13]


def test_a_refused_submission_is_repeated_by_the_client_under_the_same_id(proxy, writer, dataset, read):
    refusals = [api_error(403, "rateLimitExceeded", "Exceeded rate limits: too many table update operations")]
    proxy.rules.append(lambda e: refusals.pop() if e.sql.startswith("MERGE") and refusals else None)
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert len({exchange.job_id for exchange in proxy.statements("MERGE")}) == 1
    assert len(held(read, dataset)) == 1


@pytest.mark.parametrize(
    ("reason", "message", "advice"),
    [
        ("accessDenied", "Access Denied: Table p:d.t: User does not have permission", "roles/bigquery.dataEditor"),
        ("billingNotEnabled", "Billing has not been enabled for this project. DML queries are not allowed", "sandbox"),
    ],
)
def test_refusals_say_what_to_do(proxy, writer, dataset, read, reason, message, advice):
    slices = writer()
    proxy.rules.append(lambda e: api_error(403, reason, message) if e.sql.startswith("MERGE") else None)
    with pytest.raises(DestinationError, match=advice) as caught:
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
        if exchange.sql.startswith("SELECT begin_date") and left[0]:
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
        if exchange.sql.startswith("SELECT begin_date"):
            bq.query_and_wait(f"DELETE FROM `{dataset}.visit_page` WHERE TRUE")
            inject_second_generation(bq, dataset)
        return

    proxy.rules.append(replaced_by_another)
    writer().replace(chunk_of({day(1): page_rows(day(1), 10)}))
    assert len(proxy.statements("MERGE")) == 1


def test_jobs_run_where_the_dataset_is_and_carry_labels(proxy, writer):
    slices = writer()
    slices.jobs.labels = {"team": "growth"}
    slices.jobs.location = "asia-east2"
    proxy.rules.append(lambda e: api_error(400, "stop", "seen enough") if e.method == "POST" else None)
    from google.api_core.exceptions import BadRequest

    with pytest.raises(BadRequest):
        slices.replace(chunk_of({day(1): page_rows(day(1), 10)}))
    (merge,) = proxy.statements("MERGE")
    assert merge.body["jobReference"]["location"] == "asia-east2"
    labels = merge.body["configuration"]["labels"]
    assert labels["team"] == "growth"
    assert len(labels["weanalysis_attempt"]) == 16


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
