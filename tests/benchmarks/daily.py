"""A morning's run of many apps on a live Airflow: in batches, with a task for each app, and with dlt."""

from __future__ import annotations

import datetime as dt
import functools
import json
import tempfile
from pathlib import Path
from typing import Any

from google.auth.credentials import AnonymousCredentials
from google.cloud import bigquery

from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from tests.benchmarks.measure import Rounds, figure, in_turns, ratio
from tests.benchmarks.report import Bars, Section, Table, bar
from tests.benchmarks.server import LAST_DAY, PAGES, Replies, bigquery_jobs, serving_loads
from tests.benchmarks.stopwatch import Figures, new_dataset
from tests.support.live_airflow import LiveAirflow, live_airflow
from tests.support.servers import REPOSITORY

#: Endpoint -> what makes its rows unique, next to app and day. Replies of these are plain lists, which dlt takes as
#: they are.
KEYS: dict[str, list[str]] = {"daily_summary": [], "daily_visit_trend": [], "visit_page": ["page_path"]}
APPS, BATCH = 100, 50
#: How many of dlt's runs for one app each are measured: a hundred take longer than all the rest.
FEWER = 10
WORKERS = 4
LATENCY = 0.1
#: One round takes minutes.
ROUNDS = 2
OURS, EACH = f"this package, {BATCH} apps to a task", "this package, an app to a task"
DLT, DLT_EACH = "dlt, all apps in one pipeline run", f"dlt, a pipeline run for each app, {FEWER} apps"
LAYOUTS = {OURS: ("batches", APPS), EACH: ("each", APPS), DLT: ("dlt", APPS), DLT_EACH: ("dlt_each", FEWER)}
SOURCE = """
import datetime as dt, json
from airflow.sdk import DAG
from airflow.providers.standard.operators.bash import BashOperator
from airflow_provider_wxanalysis.task_groups import weanalysis_to_bigquery

RETRIES = {"retries": 5, "retry_delay": dt.timedelta(seconds=1)}  # local-bigquery refuses one of two changes at once

for dag_id, size in (("batches", %(batch)d), ("each", 1)):
    with DAG(dag_id, schedule=None, default_args=RETRIES, max_active_tasks=64):
        weanalysis_to_bigquery(
            "fleet", %(endpoints)r, "{{ dag_run.conf['dataset'] }}.{endpoint}", appids=%(appids)r,
            apps_per_task=size, gcp_conn_id=None, from_date=%(day)r, to_date=%(day)r,
        )
for dag_id, questions in %(questions)r.items():
    with DAG(dag_id, schedule=None, default_args=RETRIES, max_active_tasks=64):
        BashOperator.partial(
            task_id="load", append_env=True, cwd=%(repository)r,
            bash_command="echo $ASKED | sed s/DATASET/{{ dag_run.conf['dataset'].split('.')[1] }}/ | "
            ".venv-bench-dlt/bin/python -m tests.benchmarks.programs.daily_dlt",
        ).expand(env=[{"ASKED": question} for question in questions])
"""
TEXT = f"""\
One day of {", ".join(KEYS)} of {APPS} apps, by a DAG on a live Airflow: API server, scheduler with LocalExecutor, DAG
processor and triggerer, with SQLite, on the same two cores as WeChat's and BigQuery's servers; {WORKERS} tasks run at
once. WeChat's latency is {LATENCY * 1000:.0f} ms, and each app's token has to be asked for. Seconds are those of the
DAG run, from its start to its end. This package has a task for {BATCH} apps and an endpoint, or for each app and
endpoint. dlt runs in its own environment, started by a BashOperator: all apps and endpoints in one pipeline run, which
is the least that it can do but fails for all apps when it fails for one, or in a pipeline run and a dataset for each
app, of which {FEWER} are measured. It merges by primary key, with deferred requests. {ROUNDS} rounds at most."""


def run(rounds: int) -> Section:
    """Measure."""
    with serving_loads(4) as (replies, env), tempfile.TemporaryDirectory(prefix="bench-") as folder:
        del env["AIRFLOW_HOME"]
        path = Path(folder, "daily.py")
        path.write_text(_source(replies))
        with live_airflow(Path(folder, "airflow"), workers=WORKERS, env=env) as airflow:
            airflow.add_dags(path, [dag_id for dag_id, _ in LAYOUTS.values()])
            airflow.unpause("%")
            _run(airflow, env, *LAYOUTS[OURS])  # so that the server has all replies ready
            replies.latency = LATENCY
            runs = {label: functools.partial(_run, airflow, env, *layout) for label, layout in LAYOUTS.items()}
            found = in_turns(runs, min(rounds, ROUNDS))
    groups = {f"{APPS} apps": {label: bar(figure(found, label, "wall")) for label in (OURS, EACH, DLT)}}
    picture = Bars("daily", f"One day of {len(KEYS)} endpoints of {APPS} apps, LocalExecutor", "seconds", groups)
    facts = {
        "seconds of a task instance": figure(found, EACH, "wall").median / figure(found, EACH, "tasks").median,
        "seconds in batches": figure(found, OURS, "wall").median,
        "seconds with a task for each": figure(found, EACH, "wall").median,
    }
    return Section("daily", "A daily run on a live Airflow", TEXT, [_table(found)], [picture], facts)


def _source(replies: Replies) -> str:
    appids = [f"wx{number:016x}" for number in range(APPS)]
    asked: dict[str, Any] = {
        "url": replies.url,
        "central_url": json.loads(replies.fleet())["extra"]["central_url"],
        "endpoints": [{"name": name, "path": ENDPOINTS[name].path, "keys": keys} for name, keys in KEYS.items()],
        "day": f"{LAST_DAY:%Y%m%d}",
    }
    questions = {
        "dlt": [json.dumps({**asked, "appids": appids, "concurrency": 64, "dataset": "DATASET"})],
        "dlt_each": [
            json.dumps({**asked, "appids": [appid], "concurrency": 4, "dataset": f"DATASET_{appid}"})
            for appid in appids[:FEWER]
        ],
    }
    return SOURCE % {
        "batch": BATCH,
        "endpoints": [*KEYS],
        "appids": appids,
        "day": LAST_DAY.isoformat(),
        "questions": questions,
        "repository": str(REPOSITORY),
    }


def _run(airflow: LiveAirflow, env: dict[str, str], dag_id: str, apps: int) -> Figures:
    """Run a DAG into a new dataset, and look whether all is there."""
    dataset, before = new_dataset(), bigquery_jobs(env)
    options = {"api_endpoint": env["BIGQUERY_EMULATOR_HOST"]}
    with bigquery.Client("bench", credentials=AnonymousCredentials(), client_options=options) as client:
        client.create_dataset(dataset)
        run_id = airflow.trigger(dag_id, conf={"dataset": dataset})
        run = airflow.finished_run(dag_id, run_id, seconds=1200)
        jobs = bigquery_jobs(env) - before
        if run["state"] != "success":
            raise RuntimeError(f"{dag_id} {run['state']}")
        if not dag_id.startswith("dlt"):  # whose program looks itself
            ((pages,),) = client.query_and_wait(f"SELECT COUNT(*) FROM `{dataset}.visit_page`")
            if pages != apps * PAGES:
                raise RuntimeError(f"{dag_id} loaded {pages} pages of {apps} apps")
    tasks = airflow.api("GET", f"dags/{dag_id}/dagRuns/{run_id}/taskInstances", limit=1)["total_entries"]
    start, end = (dt.datetime.fromisoformat(run[name]) for name in ("start_date", "end_date"))
    seconds = (end - start).total_seconds()
    return {"wall": seconds, "tasks": tasks, "jobs": jobs, "per_app": seconds / apps}


def _table(found: Rounds) -> Table:
    head = ["layout", "seconds", "seconds per app", f"per app / {OURS}", "task instances", "BigQuery jobs"]
    table = Table(f"One day of {len(KEYS)} endpoints, {APPS} apps if nothing else is said", head)
    for label in found:
        counts = [f"{figure(found, label, name):.0f}" for name in ("tasks", "jobs")]
        wall, each = figure(found, label, "wall"), figure(found, label, "per_app")
        table.rows.append([label, f"{wall:.1f}", f"{each}", f"{ratio(found, label, OURS, 'per_app'):.1f}", *counts])
    return table
