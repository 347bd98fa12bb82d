"""Run the demo; see ``make demo``."""

from __future__ import annotations

import signal
import sys
import time
from typing import NoReturn

import pendulum

from airflow_provider_wxanalysis.periods import SHANGHAI
from tests.demo.pictures import VIEWS, draw
from tests.demo.report import Warehouse
from tests.demo.scenes import SCENES
from tests.demo.stage import APPS, DATASET, LATE, OUTPUT, say, stage
from tests.support.servers import REPOSITORY


def main() -> int:
    """Start the servers, play the scenes, show what was loaded."""
    signal.signal(signal.SIGTERM, _interrupt)
    started = time.monotonic()
    say("Starting a WeChat server, a BigQuery server and a scratch Airflow, all on 127.0.0.1 ...")
    with stage() as airflow:
        warehouse = Warehouse(airflow.bigquery, DATASET)
        today = pendulum.now(SHANGHAI).replace(hour=10, minute=30, second=0, microsecond=0)
        for title, scene in SCENES.items():
            say(f"\n{title}. {scene.__doc__}")
            scene(airflow, warehouse, today)
        say("\nWhat BigQuery holds now, read back through Google's client:")
        warehouse.show(warehouse.contents())
        names = dict([*APPS.values(), *LATE.values()])
        picture = draw(warehouse.views(*VIEWS), airflow.calendars, names, OUTPUT / "weanalysis.png")
    say(f"\nPicture: {picture.relative_to(REPOSITORY)}")
    say(f"Logs and data: {OUTPUT.relative_to(REPOSITORY)}/   Time: {time.monotonic() - started:.0f} s")
    say("To look around in Airflow's own UI: make play")
    return 0


def _interrupt(signum: int, frame: object) -> NoReturn:
    raise KeyboardInterrupt


if __name__ == "__main__":
    try:
        sys.exit(main())
    except KeyboardInterrupt:
        sys.exit("\nStopped; the servers have been ended.")
