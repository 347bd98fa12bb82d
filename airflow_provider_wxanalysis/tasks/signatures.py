"""What Airflow's own base classes take, so that editors and type checkers know every argument of an operator.

Airflow's base operators end in ``**kwargs: Any``, which accepts every spelling mistake until the DAG is parsed.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import MutableMapping, Sequence
from typing import Any, Required, TypedDict


class OperatorArguments(TypedDict, total=False):
    """Arguments of ``BaseOperator``, in all supported versions of Airflow together.

    .. seealso:: https://airflow.apache.org/docs/task-sdk/stable/api.html#airflow.sdk.BaseOperator
    """

    task_id: Required[str]
    owner: str
    email: str | Sequence[str] | None
    email_on_retry: bool
    email_on_failure: bool
    retries: int | None
    retry_delay: dt.timedelta | float
    retry_exponential_backoff: float
    max_retry_delay: dt.timedelta | float | None
    retry_policy: Any
    start_date: dt.datetime | None
    end_date: dt.datetime | None
    depends_on_past: bool
    ignore_first_depends_on_past: bool
    wait_for_past_depends_before_skipping: bool
    wait_for_downstream: bool
    dag: Any
    params: MutableMapping[str, Any] | None
    default_args: dict[str, Any] | None
    priority_weight: int
    weight_rule: Any
    queue: str
    pool: str | None
    pool_slots: int
    sla: dt.timedelta | None
    execution_timeout: dt.timedelta | None
    on_execute_callback: Any
    on_failure_callback: Any
    on_success_callback: Any
    on_retry_callback: Any
    on_skipped_callback: Any
    pre_execute: Any
    post_execute: Any
    trigger_rule: str
    resources: dict[str, Any] | None
    run_as_user: str | None
    task_concurrency: int | None
    map_index_template: str | None
    max_active_tis_per_dag: int | None
    max_active_tis_per_dagrun: int | None
    executor: str | None
    executor_config: dict[str, Any] | None
    do_xcom_push: bool
    multiple_outputs: bool
    inlets: Any
    outlets: Any
    task_group: Any
    doc: str | None
    doc_md: str | None
    doc_json: str | None
    doc_yaml: str | None
    doc_rst: str | None
    task_display_name: str | None
    logger_name: str | None
    allow_nested_operators: bool
    render_template_as_native_obj: bool | None


class SensorArguments(OperatorArguments, total=False):
    """Arguments of ``BaseSensorOperator``."""

    poke_interval: dt.timedelta | float
    timeout: dt.timedelta | float
    soft_fail: bool
    mode: str
    exponential_backoff: bool
    max_wait: dt.timedelta | float | None
    silent_fail: bool
    never_fail: bool
