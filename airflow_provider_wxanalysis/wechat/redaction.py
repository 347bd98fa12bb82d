"""WeChat wants the token in the URL; this keeps URLs' queries out of everything that prints."""

from __future__ import annotations

import logging
import re

_QUERY = re.compile(r"\?\S*")


def redact(text: str) -> str:
    """Return ``text`` without the query of any URL in it."""
    return _QUERY.sub("?[redacted]", text)


class _RedactQueries(logging.Filter):
    """Rewrites urllib3's debug records, which show the path and query of every request."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.args:
            record.msg, record.args = redact(record.getMessage()), None
        return True


_FILTER = _RedactQueries()


def redact_urllib3_logs() -> None:
    """Make urllib3 log no query; calling it again changes nothing."""
    for name in ("urllib3.connectionpool", "urllib3.util.retry"):
        logging.getLogger(name).addFilter(_FILTER)
