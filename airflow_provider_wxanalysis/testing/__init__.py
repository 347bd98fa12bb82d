"""A WeChat API on this machine, for tests and for trying DAGs: no account, no credentials, no network.

In Python, :class:`WeChatServer`, or :class:`WeChat` without a socket. With pytest, the fixture ``wechat_server`` of
:mod:`~airflow_provider_wxanalysis.testing.pytest_plugin`. From a shell::

    python -m airflow_provider_wxanalysis.testing --port 8070

``api_security=True``, or ``--api-security``, makes it demand encrypted and signed calls; :class:`ApiSecurity` holds the
keys and changes certificates. How it can be made to misbehave is in :mod:`~airflow_provider_wxanalysis.testing.faults`.
Every secret that it makes holds :data:`CANARY`, so that tests can search logs and databases for leaks.
"""

from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.testing.answers import Answer
from airflow_provider_wxanalysis.testing.canary import CANARY
from airflow_provider_wxanalysis.testing.faults import Fault
from airflow_provider_wxanalysis.testing.figures import App, Visits
from airflow_provider_wxanalysis.testing.journal import Call
from airflow_provider_wxanalysis.testing.request import Request
from airflow_provider_wxanalysis.testing.security import ApiSecurity
from airflow_provider_wxanalysis.testing.server import WeChatServer
from airflow_provider_wxanalysis.testing.wechat import WeChat

__all__ = [
    "CANARY",
    "Answer",
    "ApiSecurity",
    "App",
    "Call",
    "Fault",
    "Request",
    "Visits",
    "WeChat",
    "WeChatServer",
    "faults",
]
