"""What the coverage task writes into its log."""

from __future__ import annotations

import datetime as dt
import logging
from collections.abc import Mapping, Sequence

from airflow_provider_wxanalysis.bigquery.survey import QUALITY_VIEW, Survey
from airflow_provider_wxanalysis.coverage.ranges import Range, ranges
from airflow_provider_wxanalysis.coverage.report import plan_lines, table, totals
from airflow_provider_wxanalysis.coverage.states import HEALED, Coverage, State
from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.folding import counted
from airflow_provider_wxanalysis.hooks.sharing import AppRef
from airflow_provider_wxanalysis.tasks.covering import App, Target

log = logging.getLogger(__name__)

#: The most ranges, rules or slices that a list in the log has.
NAMED = 20


def report(
    destination: str,
    since: dt.date,
    apps: Sequence[App],
    coverages: Sequence[Coverage],
    plan: Sequence[Range],
    unreadable: Mapping[AppRef, WeAnalysisError],
) -> None:
    """Log the table of states, which apps are not in it, what is lost, and the plan."""
    names = {app.appid: str(app) for app in apps}
    log.info("%s since %s:\n%s", destination, since, table(coverages, names))
    if unreadable:
        causes = [f"{ref}: {error}" for ref, error in unreadable.items()]
        more = f"\n… and {len(causes) - NAMED} more" if len(causes) > NAMED else ""
        log.warning(
            "Left out, since their connections cannot be read, %d of %s:\n%s%s",
            len(causes), counted(len(causes) + len(apps), "app"), "\n".join(causes[:NAMED]), more,
        )  # fmt: skip
    found = totals(coverages)
    if found[State.LOST]:
        lost = "\n".join(plan_lines(ranges(coverages, NAMED, states=frozenset({State.LOST})), names))
        log.warning("WeChat does not answer for these any more; they are not asked for:\n%s", lost)
    if not plan:
        log.info("Nothing to load.")
        return
    periods = sum(found[state] for state in HEALED)
    lines = "\n".join(list(plan_lines(plan, names))[:NAMED])
    more = f"\n… and {len(plan) - NAMED} more" if len(plan) > NAMED else ""
    count, parts = counted(periods, "period"), counted(len(plan), "range")
    log.info("To load: %s, in %s, the newest first:\n%s%s", count, parts, lines, more)


def report_revisions(survey: Survey, tables: Sequence[Target], then: dt.datetime) -> None:
    """Log which slices changed when they were loaded again since ``then``."""
    for target in tables:
        if not target.periods:
            continue
        again = survey.revisions(target.name, target.endpoint, target.appids, target.periods[0].begin_date, then)
        names = {app.appid: str(app) for app in target.apps}
        changed = [f"{names[appid]} {period}" for (appid, period), differs in sorted(again.items()) if differs]
        log.info(
            "%s: of %d slices loaded again since %s the figures of %d changed%s",
            target.name,
            len(again),
            then.strftime("%Y-%m-%d %H:%M"),
            len(changed),
            f": {', '.join(changed[:NAMED])}{' …' if len(changed) > NAMED else ''}" if changed else ".",
        )


def report_quality(survey: Survey, tables: Sequence[Target], since: dt.date) -> None:
    """Log which figures do not agree with each other, as the view ``report_quality`` of each dataset finds them."""
    appids = sorted({appid for target in tables for appid in target.appids})
    for dataset in dict.fromkeys(f"{target.name.project}.{target.name.dataset}" for target in tables):
        rows = survey.suspicious(dataset, appids, since)
        if rows is None:
            log.warning("There is no view %s.%s; WeAnalysisViewsOperator makes it.", dataset, QUALITY_VIEW)
            continue
        lines = [
            f"{row.rule}: {counted(row.times, 'time')} in {counted(row.apps, 'app')}, {row.first} to {row.last}"
            for row in rows
        ]
        if lines:
            log.warning("Figures that do not agree (%s.%s):\n%s", dataset, QUALITY_VIEW, "\n".join(lines))
        else:
            log.info("All figures agree with each other (%s.%s).", dataset, QUALITY_VIEW)
