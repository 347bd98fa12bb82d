"""DAGs that hand over snapshots, for the page: loads of three apps with hostile names, and one of a hundred."""

from __future__ import annotations

import datetime as dt

from airflow.providers.common.compat.sdk import DAG, BaseOperator

from airflow_provider_wxanalysis.coverage.snapshot import Figures, Page, snapshot
from airflow_provider_wxanalysis.tasks.snapshots import snapshot_alias, snapshot_asset, snapshot_outlets
from tests.browser.names import FEW, HOSTILE_PATH, MANY, SHOPS
from tests.coverage.history import LAST, history


class Other(BaseOperator):
    """Has nothing to do with WeChat."""

    def execute(self, context):
        """Do nothing."""


class Load(BaseOperator):
    """Stands for a load: the page only has to find it."""

    template_fields = ("weanalysis_conn_id",)

    def __init__(self, *, weanalysis_conn_id, **kwargs):
        super().__init__(**kwargs)
        self.weanalysis_conn_id = weanalysis_conn_id

    def execute(self, context):
        """Load nothing."""


class Cover(BaseOperator):
    """Stands for the coverage task: hands over the snapshot of a believable destination."""

    def __init__(self, *, names, project, pages=(), loaded_by=None, **kwargs):
        super().__init__(**kwargs)
        self.outlets = snapshot_outlets()
        self.names = names
        self.project = project
        self.pages = pages
        self.loaded_by = loaded_by

    def execute(self, context):
        """Hand over."""
        told = history(self.names, days=400, gap=0.003)
        first = told.apps[0].appid
        own = told.figures[first]
        told.figures[first] = Figures(own.visits, own.retention, [*self.pages, *own.pages])
        ti = context["ti"]
        dag_id = self.loaded_by or ti.dag_id
        for by_app in told.slices.values():  # a run of it has loaded what is newest
            for slices in by_app.values():
                for period, slice_ in slices.items():
                    if period.end_date == LAST:
                        slices[period] = slice_._replace(dag_id=dag_id, run_id=ti.run_id, task_id="load")
        asset = snapshot_asset(self.project, "wechat", ti.dag_id, ti.task_id)
        for extra in snapshot(f"{self.project}.wechat", dt.datetime.now(dt.UTC), *told):
            context["outlet_events"][snapshot_alias()].add(asset, extra=extra)


with DAG("weanalysis_shops", schedule=None):
    Cover(task_id="coverage", names=SHOPS, project="analytics-prod", loaded_by="weanalysis_loads")

with DAG("weanalysis_hundred", schedule=None):
    Cover(task_id="coverage", names=MANY, project="analytics-hundred")

with DAG("weanalysis_morning", schedule=None):
    load = Load.partial(task_id="load").expand(weanalysis_conn_id=["app_0", "app_1", "app_2"])
    load >> Cover(task_id="coverage", names=FEW, project="analytics-few", pages=[Page(HOSTILE_PATH, 99999, 99)])

with DAG("someone_elses", schedule=None):
    Other(task_id="other")

with DAG("weanalysis_loads", schedule=None):
    Load.partial(task_id="load").expand(weanalysis_conn_id=["app_0", "app_1"])
