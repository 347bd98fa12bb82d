"""Someone between WeChat and the provider who changes replies, or makes up his own, but does not have WeChat's key."""

from __future__ import annotations

import json
import random
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import replace

from airflow_provider_wxanalysis.exceptions import WeAnalysisError
from airflow_provider_wxanalysis.testing import Answer, ApiSecurity, Request
from airflow_provider_wxanalysis.wechat.client import Client
from airflow_provider_wxanalysis.wechat.settings import Settings

PATH = "/datacube/getweanalysisappiddailysummarytrend"
DATES = {"begin_date": "20260302", "end_date": "20260302"}
#: JSON values that a careless reader may take for "no error", or for "an error, so it need not be signed".
NOTHINGS = (
    *(
        "0",
        "-0",
        "0.0",
        "-0.0",
        "0e9",
        "1e-999",
        "null",
        "false",
        "[]",
        "{}",
        "[0]",
        '{"errcode":0}',
        '[{"errcode":0}]',
    ),
    *('""', '" "', '"0"', '"-0"', '"+0"', '"00"', '" 0"', '"0 "', '"0\\n"', '"0.0"', '"0e0"', '"0x0"', '"0_0"'),
    *('"０"', '"٠"', '"\\u0030"', '"ok"', '"null"', '"false"', '"None"', '[{"errcode":0}]', f"0.{'0' * 400}1"),
)
ERRCODES = ("errcode", "ErrCode", "ERRCODE", "err_code", r"\u0065rrcode", "errcode ", "errcode\\u0000")
#: How many forged replies come for each genuine one, which shows that replies can be taken at all.
FORGED_PER_GENUINE = 50
#: Without any of these, or with any of these changed, nothing proves that WeChat has made a reply.
PROOFS = ("Wechatmp-Serial", "Wechatmp-TimeStamp", "Wechatmp-Signature")


class Forger(ApiSecurity):
    """WeChat's side of API security, with the forger in front of it.

    :ivar active: whether he is at work.
    :ivar sent: the last reply that left him, for messages.
    """

    def __init__(self, seed: int) -> None:
        super().__init__()
        self.active = False
        self.sent: Answer | None = None
        self._random = random.Random(seed)

    def seal(self, answer: Answer, request: Request) -> Answer:
        """Return the sealed answer, or what the forger makes of it."""
        sealed = super().seal(answer, request)
        if not self.active or sealed.text is None:
            return sealed
        choose = self._random.choice((self._without_seal, self._without_seal, self._other_headers, self._other_body))
        forged = choose(answer, sealed)
        if forged.text == sealed.text and all(forged.headers.get(name) == sealed.headers[name] for name in PROOFS):
            forged = replace(forged, headers={})  # it was the genuine one
        self.sent = forged
        return forged

    def _without_seal(self, answer: Answer, sealed: Answer) -> Answer:
        """A reply of his own, with some of the proofs of a genuine one or none."""
        rows = [f"{json.dumps(name)}:{json.dumps(value)}" for name, value in answer.reply.items()]
        envelope = (sealed.text or "{}")[1:-1].split(",")
        fields = self._random.choice((rows, rows, envelope, [*rows, *envelope], ['"data":{"errcode":61503}', *rows]))
        codes = [f'"{self._pick(ERRCODES)}":{self._pick(NOTHINGS)}' for _ in range(self._random.randrange(3))]
        text = self._random.sample([*fields, *codes], len(fields) + len(codes))
        headers = self._random.choice(({}, sealed.headers, self._some(sealed.headers)))
        return replace(sealed, text=f"{{{','.join(text)}}}", headers=headers)

    def _other_headers(self, answer: Answer, sealed: Answer) -> Answer:
        headers = dict(sealed.headers)
        name = self._pick(PROOFS)
        value = headers.pop(name)
        if self._random.random() < 0.7:
            headers[name] = self._pick(("", "0", "AAAA", value[1:], value[::-1], self._changed(value)))
        if self._random.random() < 0.3:
            headers["Wechatmp-Serial-Deprecated"] = self._pick((sealed.headers["Wechatmp-Serial"], "0", ""))
            headers["Wechatmp-Signature-Deprecated"] = self._pick(("", "AAAA", self._changed(value)))
        return replace(sealed, headers=headers)

    def _other_body(self, answer: Answer, sealed: Answer) -> Answer:
        body = sealed.text or ""
        code = f'"{self._pick(ERRCODES)}":{self._pick(NOTHINGS)}'
        bodies = (self._changed(body), f"{body} ", f" {body}", f"{body[:-1]},{code}}}", f"{{{code},{body[1:]}")
        return replace(sealed, text=self._pick(bodies))

    def _changed(self, text: str) -> str:
        """Another character somewhere, but not where base64 ends: its last bits mean nothing."""
        place = self._random.randrange(max(1, len(text) - 4))
        return text[:place] + ("A" if text[place : place + 1] != "A" else "B") + text[place + 1 :]

    def _some(self, headers: Mapping[str, str]) -> dict[str, str]:
        return {name: value for name, value in headers.items() if self._random.random() < 0.5}

    def _pick(self, texts: Sequence[str]) -> str:
        return self._random.choice(texts)


def taken(forger: Forger, settings: Settings, count: int) -> list[Answer]:
    """Return those of so many forged replies that the client takes. The genuine ones between them it must take."""
    found = []
    with Client(settings, lambda token: None, attempts=1) as client:
        for number in range(count):
            if number % FORGED_PER_GENUINE == 0:
                forger.active = False
                client.post(PATH, DATES, endpoint="daily_summary")
            forger.active = True
            with suppress(WeAnalysisError):
                client.post(PATH, DATES, endpoint="daily_summary")
                found += [forger.sent] if forger.sent else []
    return found
