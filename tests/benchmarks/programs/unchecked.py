"""The load without its checks: what is left is mostly Airflow's own work on its arguments."""

from __future__ import annotations

from airflow_provider_wxanalysis.transfers.weanalysis_to_bigquery import WeAnalysisToBigQueryOperator

# In the class itself, since Airflow wraps the constructor of a subclass once more, which takes as long as the checks.
WeAnalysisToBigQueryOperator.check_when_parsed = lambda self: None  # type: ignore[method-assign]
