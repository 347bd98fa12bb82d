"""A WeChat API on this machine, for tests and for trying DAGs: no account, no credentials, no network.

In Python, :class:`WeChatServer`. With pytest, the fixture ``wechat_server`` of
:mod:`~airflow_provider_wxanalysis.testing.pytest_plugin`. From a shell::

    python -m airflow_provider_wxanalysis.testing --port 8070

``api_security=True``, or ``--api-security``, makes it demand encrypted and signed calls; :class:`ApiSecurity` holds the
keys and changes certificates. How it can be made to misbehave is in :mod:`~airflow_provider_wxanalysis.testing.faults`.
Every secret that it makes holds :data:`CANARY`, so that tests can search logs and databases for leaks.
"""

from airflow_provider_wxanalysis.testing import faults
from airflow_provider_wxanalysis.testing.canary import CANARY
from airflow_provider_wxanalysis.testing.faults import Fault
from airflow_provider_wxanalysis.testing.journal import Call
from airflow_provider_wxanalysis.testing.security import ApiSecurity
from airflow_provider_wxanalysis.testing.server import WeChatServer

__all__ = ["CANARY", "ApiSecurity", "Call", "Fault", "WeChatServer", "faults"]
