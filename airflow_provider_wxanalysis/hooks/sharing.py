"""Many apps behind one connection: it is read once for all of them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from airflow_provider_wxanalysis.hooks.weanalysis import WeAnalysisHook


class _Named(Protocol):
    @property
    def conn_id(self) -> str: ...

    @property
    def appid(self) -> str | None: ...


App = TypeVar("App", bound=_Named)


def shared_hooks(apps: Iterable[App], hook_for: Callable[[App], WeAnalysisHook]) -> dict[App, WeAnalysisHook]:
    """Return a hook for each app, in order; those of one connection read it once.

    :param apps: the apps.
    :param hook_for: makes the first hook of a connection.
    """
    first: dict[str, WeAnalysisHook] = {}
    hooks: dict[App, WeAnalysisHook] = {}
    for app in apps:
        known = first.get(app.conn_id)
        hooks[app] = known.for_app(app.appid) if known else first.setdefault(app.conn_id, hook_for(app))
    return hooks
