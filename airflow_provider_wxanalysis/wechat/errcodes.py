"""Whether a reply is an error, and which one."""

from __future__ import annotations

import re
from collections.abc import Mapping

from airflow_provider_wxanalysis.catalogue.values import show
from airflow_provider_wxanalysis.exceptions import PayloadError, WeAnalysisAPIError, call_name
from airflow_provider_wxanalysis.wechat.remedies import (
    COMPONENT_TOKEN_OVER,
    ERRCODES,
    UNKNOWN,
    WRONG_SECRET,
    Errcode,
)

_REFUSED_TOKEN = (40001, 40014, 42001)
#: What codes mean where an AppSecret is exchanged for a token.
TOKEN_ERRCODES: Mapping[int, Errcode] = {**ERRCODES, **dict.fromkeys(_REFUSED_TOKEN, WRONG_SECRET)}
#: What they mean where a third-party platform asks for an account's token.
AUTHORIZER_ERRCODES: Mapping[int, Errcode] = {**ERRCODES, **dict.fromkeys(_REFUSED_TOKEN, COMPONENT_TOKEN_OVER)}

_CODE = re.compile(r"-?[0-9]{1,18}")
_RID = re.compile(r"\b(?:rid:\s*(?P<rid>[0-9a-zA-Z-]+)|hint:\s*\[(?P<hint>[^\]]*)\])\s*$")
#: WeChat's texts are a sentence long; what is longer comes from something in between.
_LONGEST_ERRMSG = 1000


def api_error(
    reply: Mapping[str, object],
    endpoint: str,
    period: object = None,
    appid: str = "",
    *,
    known: Mapping[int, Errcode] = ERRCODES,
) -> WeAnalysisAPIError | None:
    """Make the error that a reply's errcode stands for.

    :param reply: WeChat's reply.
    :param endpoint: the endpoint's name or path, for the message.
    :param period: the period asked for, for the message.
    :param appid: the mini program asked about, for the message.
    :param known: what codes mean where the call was made.
    :return: ``None`` if the reply has no errcode, or 0.
    :raises PayloadError: if the errcode is not a number.
    """
    errcode = reply.get("errcode", 0)
    if isinstance(errcode, str) and _CODE.fullmatch(errcode):
        errcode = int(errcode)
    if not isinstance(errcode, int) or isinstance(errcode, bool):
        raise PayloadError(
            f"{call_name(endpoint, period, appid)}: the errcode of WeChat's reply must be a number, got "
            f"{show(errcode)}. Look for a proxy that answers in its place."
        )
    if errcode == 0:
        return None
    errmsg = reply.get("errmsg")
    text = errmsg[:_LONGEST_ERRMSG] if isinstance(errmsg, str) else ""
    found = _RID.search(text)
    rid = (found["rid"] or found["hint"]) if found else None
    text = text[: found.start()].rstrip(" \t\n,") if found else text
    error, advice, _ = known.get(errcode, UNKNOWN)
    return error(errcode, text, rid, endpoint, period, appid, advice)
