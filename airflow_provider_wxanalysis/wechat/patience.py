"""Whether a call that failed is worth another try, and after which pause."""

from __future__ import annotations

import logging

from airflow_provider_wxanalysis.exceptions import (
    InvalidTokenError,
    RateLimitError,
    WeAnalysisAPIError,
    WeAnalysisError,
)
from airflow_provider_wxanalysis.wechat.pace import Pace
from airflow_provider_wxanalysis.wechat.tokens import Tokens
from airflow_provider_wxanalysis.wechat.waits import backoff

log = logging.getLogger(__name__)

ATTEMPTS = 5
#: Seconds to pause before each replacement of a refused token: now and then WeChat refuses a good one, too.
TOKEN_PAUSES = (0.0, 3.0)
#: Errcode: when WeChat read the request, its signature was too old.
_SIGNED_TOO_LONG_AGO = 40240


class Patience:
    """How often one call may still be tried, and after which pause."""

    def __init__(self, attempts: int, pace: Pace, tokens: Tokens | None, failed: int = 0) -> None:
        self.failed = failed
        self._attempts = attempts
        self._pace = pace
        self._tokens = tokens
        self._renewals = iter(TOKEN_PAUSES[:attempts])
        self._signings = iter((0.0,))

    def after(self, error: WeAnalysisError, turn: int, token: str = "") -> float | None:
        """Return how many seconds to pause before the next try; ``None`` if there should be none.

        :param error: what came of the latest try.
        :param turn: what :meth:`Pace.wait` returned before it.
        :param token: the token that it was made with.
        """
        if isinstance(error, InvalidTokenError) and self._tokens and self._tokens.renewable:
            self._tokens.discard(token)
            return next(self._renewals, None)
        if isinstance(error, RateLimitError):
            refusals, seconds = self._pace.slow_down(turn)
            if refusals >= self._attempts:
                return None
            log.warning("%s All calls of this app pause for %.0f s.", error, seconds)
            return 0.0  # the next turn comes after the pause
        if isinstance(error, WeAnalysisAPIError) and error.errcode == _SIGNED_TOO_LONG_AGO:
            return next(self._signings, None)
        self.failed += 1
        if not error.busy or self.failed >= self._attempts:
            return None
        pause = backoff(self.failed)
        log.warning("%s Trying again in %.0f s (attempt %d failed).", error, pause, self.failed)
        return pause
