"""Turns at Airflow's supervisor, which gives a task its connections and takes what is to be masked.

Both share one socket. Before 3.2 Airflow does not keep threads apart there: two that ask at once read parts of each
other's replies, and one of them waits forever.
"""

from __future__ import annotations

import threading

#: Held by whoever makes a call that may reach the supervisor. A signal's handler may interrupt a thread that holds it.
TURN = threading.RLock()
