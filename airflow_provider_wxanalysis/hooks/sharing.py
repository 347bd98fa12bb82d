"""Mini programs as arguments name them, and their hooks: a connection that serves many is read once for all."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook


class AppRef(NamedTuple):
    """One mini program, as the arguments of tasks and triggers name it.

    :param conn_id: Airflow connection of type ``weanalysis``.
    :param appid: the AppID where the connection serves many; ``None`` for the connection's own.
    """

    conn_id: str
    appid: str | None = None

    def __str__(self) -> str:
        return self.appid or self.conn_id


def shared_hooks(apps: Iterable[AppRef], hook_for: Callable[[AppRef], WeAnalysisHook]) -> dict[AppRef, WeAnalysisHook]:
    """Return a hook for each app, in order; those of one connection read it once.

    :param apps: the apps.
    :param hook_for: makes the first hook of a connection.
    """
    first: dict[str, WeAnalysisHook] = {}
    hooks: dict[AppRef, WeAnalysisHook] = {}
    for app in apps:
        known = first.get(app.conn_id)
        hooks[app] = known.for_app(app.appid) if known else first.setdefault(app.conn_id, hook_for(app))
    return hooks
