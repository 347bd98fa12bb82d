"""Misbehaviours: each takes the answer that the server would give and returns a worse one."""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from airflow_provider_wxanalysis.testing import replies
from airflow_provider_wxanalysis.testing.answers import Answer, error
from airflow_provider_wxanalysis.testing.rules import PATHS, Question

ENDPOINT_NAMES = frozenset(name for names in PATHS.values() for name in names)
_HTML = "<html><head><title>502</title></head><body>Bad gateway</body></html>"


@dataclass(frozen=True)
class Fault:
    """One misbehaviour.

    :param name: what it is called.
    :param apply: makes the answer worse; the question is ``None`` for calls that ask for no data.
    :param good_only: whether it changes figures, and so leaves calls alone that get none.
    """

    name: str
    apply: Callable[[Answer, Question | None], Answer]
    good_only: bool = False


def errcode(code: int) -> Fault:
    """Answer with one of WeChat's error codes.

    :param code: the errcode.
    """
    return Fault(f"errcode {code}", lambda answer, question: error(code))


def http(status: int, body: str = "") -> Fault:
    """Answer with an HTTP status, as proxies and gateways do.

    :param status: the status.
    :param body: what the page says.
    """
    return Fault(f"http {status}", lambda answer, question: Answer(status=status, text=body, content_type="text/html"))


def redirect(url: str, status: int = 307) -> Fault:
    """Send the client elsewhere, with the same method and body.

    :param url: where to.
    :param status: the HTTP status.
    """
    return Fault(
        f"redirect {status}", lambda answer, question: Answer(status=status, text="", headers={"Location": url})
    )


def truncated() -> Fault:
    """Send half of the body and close the connection."""
    return Fault("truncated", lambda answer, question: replace(answer, cut=True))


def not_json() -> Fault:
    """Answer with a page of HTML and HTTP 200."""
    return Fault("not json", lambda answer, question: Answer(text=_HTML, content_type="text/html"))


def wrong_shape(reply: Any) -> Fault:
    """Answer with any JSON value.

    :param reply: the value.
    """
    return Fault("wrong shape", lambda answer, question: Answer(reply))


def hang(seconds: float = 60) -> Fault:
    """Answer, but only after some time; stopping the server ends the wait.

    :param seconds: how long the answer is held back.
    """
    return Fault(f"hang {seconds:g}", lambda answer, question: replace(answer, delay=seconds))


def slow_body(seconds: float = 10) -> Fault:
    """Send the body in small pieces over some time; stopping the server ends the wait.

    :param seconds: how long the whole body takes.
    """
    return Fault(f"slow body {seconds:g}", lambda answer, question: replace(answer, spread=seconds))


def reset() -> Fault:
    """Reset the connection without an answer."""
    return Fault("reset", lambda answer, question: replace(answer, reset=True))


def reset_mid_body() -> Fault:
    """Send half of the body and reset the connection."""
    return Fault("reset mid-body", lambda answer, question: replace(answer, cut=True, reset=True))


def endless(pause: float = 0.02) -> Fault:
    """Send a body that never ends.

    :param pause: seconds between its pieces; 0 sends as fast as the client reads.
    """
    return Fault(f"endless {pause:g}", lambda answer, question: replace(answer, endless=pause))


def raw(make: Callable[[bytes], bytes], rest: bytes = b"", pause: float = 0.0) -> Fault:
    """Send bytes of your own in place of a reply in HTTP, and close the connection.

    :param make: makes them from the body that the reply would have.
    :param rest: what to go on with, without end; by default nothing.
    :param pause: seconds between these pieces; 0 sends as fast as the client reads.
    """

    def apply(answer: Answer, question: Question | None) -> Answer:
        return replace(answer, raw=make(answer.body), rest=rest, endless=pause if rest else None)

    return Fault("raw", apply)


def empty() -> Fault:
    """Answer as if there were no figures."""
    return Fault("empty", lambda answer, question: Answer(replies.empty(question) if question else {}), good_only=True)


def wrong_ref_date() -> Fault:
    """Answer with figures of the year before."""
    return Fault(
        "wrong ref_date", lambda answer, question: replace(answer, reply=_redate(answer.reply)), good_only=True
    )


def duplicated_rows() -> Fault:
    """Send every row twice."""
    return Fault(
        "duplicated rows", lambda answer, question: replace(answer, reply=_twice(answer.reply)), good_only=True
    )


def wrong_content_type() -> Fault:
    """Send the right body labelled as plain text."""
    return Fault("wrong content type", lambda answer, question: replace(answer, content_type="text/plain"))


def unsigned() -> Fault:
    """Answer in clear and without a signature. This and the next three need ``api_security``."""
    return Fault("unsigned", lambda answer, question: replace(answer, seal="none"), good_only=True)


def tampered() -> Fault:
    """Change the encrypted body after signing it."""
    return Fault("tampered", lambda answer, question: replace(answer, seal="tampered"), good_only=True)


def replayed() -> Fault:
    """Send the app's previous sealed reply from the same path again, byte for byte, if there is one."""
    return Fault("replayed", lambda answer, question: replace(answer, seal="replayed"), good_only=True)


def stale(seconds: float = 600) -> Fault:
    """Answer correctly, but signed some time ago.

    :param seconds: how long ago.
    """
    return Fault(f"stale {seconds:g}", lambda answer, question: replace(answer, age=seconds), good_only=True)


def _redate(value: Any) -> Any:
    if isinstance(value, list):
        return [_redate(entry) for entry in value]
    if isinstance(value, dict):
        return {
            name: f"{int(inner[:4]) - 1}{inner[4:]}" if name in ("ref_date", "refdate") else _redate(inner)
            for name, inner in value.items()
        }
    return value


def _twice(value: Any) -> Any:
    if isinstance(value, list):
        return value + value
    return {name: _twice(inner) for name, inner in value.items()} if isinstance(value, dict) else value


@dataclass
class _Planned:
    fault: Fault
    endpoint: str | None
    appid: str | None
    left: int | None

    def concerns(self, endpoint: str | None, appid: str | None, answer: Answer) -> bool:
        """Whether it is this call's turn to go wrong."""
        ours = endpoint in ENDPOINT_NAMES if self.endpoint is None else endpoint == self.endpoint
        return ours and self.appid in (None, appid) and (answer.good or not self.fault.good_only)


class Faults:
    """The misbehaviours still to come, in the order in which they were added."""

    def __init__(self) -> None:
        self._planned: list[_Planned] = []
        self._lock = threading.Lock()

    def add(
        self, fault: Fault, *, endpoint: str | None = None, times: int | None = 1, appid: str | None = None
    ) -> None:
        """Plan a misbehaviour.

        :param fault: what goes wrong.
        :param endpoint: where: an endpoint of the catalogue, ``token`` for calls that ask for a token, or ``None`` for
            every data call.
        :param times: for how many calls; ``None`` for all to come.
        :param appid: for which app; ``None`` for all.
        """
        check_endpoint(endpoint)
        with self._lock:
            self._planned.append(_Planned(fault, endpoint, appid, times))

    def clear(self) -> None:
        """Drop all misbehaviours that are still to come."""
        with self._lock:
            self._planned.clear()

    def apply(self, answer: Answer, endpoint: str | None, appid: str | None, question: Question | None) -> Answer:
        """Return the answer, made worse if a fault is planned for this call. One call takes one fault."""
        with self._lock:
            planned = next((plan for plan in self._planned if plan.concerns(endpoint, appid, answer)), None)
            if planned is None:
                return answer
            if planned.left is not None:
                planned.left -= 1
                if planned.left <= 0:
                    self._planned.remove(planned)
        return planned.fault.apply(answer, question)


def check_endpoint(name: str | None) -> None:
    """Make sure that ``name`` is a data endpoint's, ``token``, ``quota`` or ``None``.

    :raises ValueError: if it is none of these.
    """
    if name is not None and name not in ENDPOINT_NAMES | {"token", "quota"}:
        raise ValueError(
            f"There is no endpoint {name!r}; use token, quota or one of {', '.join(sorted(ENDPOINT_NAMES))}."
        )
