"""Typed decoding comes to the same rows as reading value by value, whatever was done to a reply."""

from __future__ import annotations

import json
import os
import random
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest

from airflow_provider_wxanalysis.catalogue import typed
from airflow_provider_wxanalysis.catalogue.json_text import parse
from airflow_provider_wxanalysis.endpoints import ENDPOINTS
from airflow_provider_wxanalysis.wechat import records
from airflow_provider_wxanalysis.wechat.errcodes import api_error
from tests.support.samples import period, sample
from tests.wechat.reading import APPID, outcome

NAMES = [name for name in ENDPOINTS if name not in ("performance_data", "user_portrait_30d")]
#: ``WEANALYSIS_MUTANTS=500000`` for a thorough look.
MUTANTS = int(os.environ.get("WEANALYSIS_MUTANTS", "4000"))
SCALARS = [
    *(b"0", b"-1", b"-0", b"7", b"8.0", b"1e3", b"0.5", b"-0.0", b"1e999", b"1e-400", b"9007199254740993", b"null"),
    *(b"9223372036854775807", b"9223372036854775808", b"-9223372036854775808", b"-9223372036854775809", b"true"),
    *(b"18446744073709551616", b"0.1", b"4.35", b"123456789.123456789", b"5e-324", b"NaN", b"01", b"1.", b"-"),
    *(
        b'""',
        b'"a"',
        b'"7"',
        b'"a:b"',
        b'"a\\"b"',
        b'"a\\u0022b"',
        b'"\\\\"',
        b'"a\\/b"',
        b'"\\ud83d\\ude00"',
        b'"\\ud800"',
    ),
    *('"页面"'.encode(), b'"a\x01b"', b'"a\xffb"', b'"\x7f"', b"[]", b"{}", b'[{"key":1,"value":2}]', b'"20170313"'),
]
#: Fields that are twice there, unknown, or in another place.
FIELDS = [
    *(b'"ref_date":"20170313"', b'"key":0', b'"value":5', b'"list":[]', b'"index":"access_depth_info"', b'"errcode":0'),
    *(b'"errcode":45009', b'"errmsg":"ok"', b'"page_path":"p"', b'"page_visit_pv":1', b'"news":1', b'"visit_uv":[]'),
    *(b'"province":[]', b'"id":3', b'"name":"n"', b'"share_pv":2', b'"\\u006bey":1', b'"item_list":[]', b'"":0'),
]


def agrees(name: str, content: bytes) -> bool:
    """Whether a reply is decoded; if so, see that reading it value by value comes to the same."""
    entry = ENDPOINTS[name]
    decoded = typed.decode(entry, content)
    if decoded is None:
        return False
    reply = parse(content)
    assert api_error(reply, name) is None
    found, expected = (outcome(partial(records.read, entry, APPID, period(name), form)) for form in (decoded, reply))
    assert repr(found) == repr(expected), content
    return True


def value_replaced(content: bytes, dice: random.Random) -> bytes:
    """Put another value behind a colon."""
    places = [place for place, byte in enumerate(content) if byte == ord(":")]
    start = dice.choice(places) + 1
    end = start + 1
    while end < len(content) and content[end] not in b",}]":
        end += 1
    return content[:start] + dice.choice(SCALARS) + content[end:]


def field_added(content: bytes, dice: random.Random) -> bytes:
    """Put a field at the beginning of an object."""
    place = dice.choice([place for place, byte in enumerate(content) if byte == ord("{")]) + 1
    return content[:place] + dice.choice(FIELDS) + b"," + content[place:]


def field_repeated(content: bytes, dice: random.Random) -> bytes:
    """Put a field of the reply behind another value."""
    pieces = content.split(b",")
    piece = dice.choice(pieces)
    return b",".join([*pieces, piece] if dice.random() < 0.1 else _inserted(pieces, piece, dice))


def _inserted(pieces: list[bytes], piece: bytes, dice: random.Random) -> list[bytes]:
    place = dice.randrange(1, len(pieces) + 1)
    return [*pieces[:place], piece, *pieces[place:]]


def piece_removed(content: bytes, dice: random.Random) -> bytes:
    """Take out what is between two commas."""
    pieces = content.split(b",")
    del pieces[dice.randrange(len(pieces))]
    return b",".join(pieces)


def bytes_changed(content: bytes, dice: random.Random) -> bytes:
    """Overwrite, insert or remove a few bytes."""
    place, length = dice.randrange(len(content)), dice.randrange(4)
    return (
        content[:place] + dice.choice([dice.randbytes(length), b'"', b":", b"9", b" ", b""]) + content[place + length :]
    )


def spaced(content: bytes, dice: random.Random) -> bytes:
    """Write it in another way that means the same."""
    return json.dumps(json.loads(content), ensure_ascii=dice.random() < 0.5, indent=dice.choice([None, 1])).encode()


MUTATIONS: list[Callable[[bytes, random.Random], bytes]] = [
    *(value_replaced, value_replaced, field_added, field_repeated, piece_removed, bytes_changed, spaced),
]


def _shortened(value: Any) -> Any:
    """Keep two entries of every list."""
    if isinstance(value, list):
        return [_shortened(entry) for entry in value[:2]]
    return {name: _shortened(inner) for name, inner in value.items()} if isinstance(value, dict) else value


def replies(name: str) -> list[bytes]:
    """Its sample, whole and shortened; a trend has all of its fields, which the sample lacks."""
    reply = sample(name)
    for entry in reply["list"] if "trend" in name else []:
        entry["stay_time_uv"] = 12.5
    return [json.dumps(each, ensure_ascii=False).encode() for each in (reply, _shortened(reply))]


@pytest.mark.parametrize("name", NAMES)
def test_ordinary_replies_are_decoded(name: str) -> None:
    assert all(agrees(name, content) for content in replies(name))
    empty = {"ref_date": "20170313", "list": []} if "list" in sample(name) else None
    if name.startswith(("daily_v", "daily_s", "visit")):
        content = json.dumps({"list": []} if name.startswith("daily") else empty).encode()
        assert agrees(name, content)


@pytest.mark.parametrize("name", NAMES)
def test_mutants(name: str) -> None:
    dice = random.Random(name)
    decoded: Counter[bool] = Counter()
    originals = replies(name)
    for _ in range(MUTANTS // len(NAMES)):
        content = dice.choice(originals)
        for _ in range(dice.choice([1, 1, 1, 2, 3])):
            try:
                content = dice.choice(MUTATIONS)(content, dice)
            except (ValueError, IndexError):  # spoilt already
                break
        decoded[agrees(name, content)] += 1
    assert decoded[True] > MUTANTS / len(NAMES) / 20, "enough are decoded to show something"
    assert decoded[False] > MUTANTS / len(NAMES) / 20


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("field", FIELDS)
def test_a_field_too_many_is_never_passed_over(name: str, field: bytes) -> None:
    """At every place of the reply: unknown there, or there twice."""
    content = replies(name)[1]
    for place, byte in enumerate(content):
        if byte == ord("{"):
            assert typed.decode(ENDPOINTS[name], content[: place + 1] + field + b"," + content[place + 1 :]) is None


@pytest.mark.parametrize("path", ["a:b", "plugin-private://wx1/pages/a", "页面", "a/b"])
def test_colons_and_slashes_take_no_longer_way(path: str) -> None:
    content = replies("visit_page")[0].replace(b"pages/main/main.html", json.dumps(path).strip('"').encode())
    assert agrees("visit_page", content.replace(b"/", b"\\/"))
