"""What a user of the package sees: the fixture, the exports, and what an import costs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from airflow_provider_wxanalysis import testing
from airflow_provider_wxanalysis.testing import WeChatServer


class TestFixture:
    @pytest.fixture
    def wechat_server_options(self) -> dict[str, Any]:
        return {"pages": 3}

    def test_it_runs_with_the_options(self, wechat_server: WeChatServer) -> None:
        assert wechat_server.url.startswith("http://127.0.0.1:")
        assert wechat_server.app("wx00000000000000a1").pages == 3


def test_the_fixture_in_a_project_of_its_own(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text('pytest_plugins = ["airflow_provider_wxanalysis.testing.pytest_plugin"]\n')
    (tmp_path / "test_it.py").write_text("def test_it(wechat_server):\n    assert wechat_server.count() == 0\n")
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", "-W", "error", str(tmp_path)]
    run = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True, check=False, timeout=60)
    assert "1 passed" in run.stdout, run.stdout


def test_importing_it_is_cheap() -> None:
    code = (
        "import sys, airflow_provider_wxanalysis.testing\n"
        "heavy = ('airflow', 'requests', 'google.cloud', 'pytest', 'cryptography')\n"
        "print([name for name in heavy if name in sys.modules])"
    )
    run = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "[]"


def test_exports() -> None:
    assert all(hasattr(testing, name) for name in testing.__all__)
