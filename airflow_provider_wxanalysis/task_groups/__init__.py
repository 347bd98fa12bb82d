"""Groups of tasks in one call: every load of many mini programs, and the healing of what is missing."""

from airflow_provider_wxanalysis.task_groups.healing import weanalysis_heal as weanalysis_heal
from airflow_provider_wxanalysis.task_groups.loads import weanalysis_to_bigquery as weanalysis_to_bigquery
