"""Plain English: phrases that read translated, and the words to use instead."""

from __future__ import annotations

import re

import pytest

from tests.support.servers import REPOSITORY

#: Pattern -> what to write.
AVOID = {
    r"\bis no (?!longer|more than)\w+ but\b": "must be X, got Y",
    r"\bis no (?:date|object|array|list|number|mapping|text|JSON|URL|web|http|plain|valid|whole)\b": "must be X",
    r"\bmends?\b|\bmended\b|\bmending\b": "fix",
    r"\banew\b": "again",
    r"\bfor ever\b": "forever",
    r"\bbeside\b": "next to",
    r"\bow(?:es|ed|ing)\b|\bowe\b": "is due",
    r"\btells? (?:of|the|what|which|whether|how|that|its)\b": "shows, contains, says",
    r"\bspeaks? of\b": "is about",
    r"\b(?:some|no)body\b(?![/\"@])": "a passive, or name who",
    r"\bwaited out\b": "retried",
    r"\bbe had\b": "be available",
    r"\bhad better\b": "should",
    r"\bnone the less\b|\ball the same\b": "still",
    r"\bis hardly\b": "is probably not",
    r"\bThe way to (?:WeChat|the table)\b": "name the thing: the hook, the table",
    r"\bbut for\b": "except",
    r"\bat the most\b": "at most",
    r"\bto be sure\b|\bby and by\b|\bin vain\b": "say it plainly",
}
FILES = sorted(
    path
    for pattern in (
        "airflow_provider_wxanalysis/**/*.py",
        "example_dags/*.py",
        "tests/**/*.py",
        "docs/en/*.md",
        "*.md",
        "Makefile",
        "pyproject.toml",
    )
    for path in REPOSITORY.glob(pattern)
    if path.name not in ("test_prose.py", "README.zh-CN.md")
)


@pytest.mark.parametrize("pattern", AVOID, ids=lambda pattern: AVOID[pattern])
def test_prose_is_plain(pattern):
    found = [
        f"{path.relative_to(REPOSITORY)}:{number}: {line.strip()}"
        for path in FILES
        for number, line in enumerate(path.read_text().splitlines(), start=1)
        if re.search(pattern, line)
    ]
    assert found == [], f"better: {AVOID[pattern]}"
