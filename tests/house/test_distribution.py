"""The packages that are published: whole, valid, and of this package alone."""

from __future__ import annotations

import re
import subprocess
import sys
import tarfile
import zipfile

import pytest

from airflow_provider_wxanalysis import __version__
from tests.support.servers import REPOSITORY


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    """sdist from the repository, and the wheel from that sdist."""
    folder = tmp_path_factory.mktemp("dist")
    command = [sys.executable, "-m", "build", "--no-isolation", "--outdir", str(folder), str(REPOSITORY)]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
    return folder


def test_the_wheel_ships_the_package_alone(built):
    (wheel,) = built.glob("*.whl")
    names = zipfile.ZipFile(wheel).namelist()
    assert {name.split("/")[0] for name in names} == {
        "airflow_provider_wxanalysis",
        f"airflow_provider_wxanalysis-{__version__}.dist-info",
    }
    assert "airflow_provider_wxanalysis/py.typed" in names
    assert f"airflow_provider_wxanalysis-{__version__}.dist-info/licenses/LICENSE" in names


def test_the_sdist_has_examples_and_tests(built):
    (sdist,) = built.glob("*.tar.gz")
    with tarfile.open(sdist) as archive:
        tops = {name.split("/")[1] for name in archive.getnames() if "/" in name}
    assert {"airflow_provider_wxanalysis", "example_dags", "tests", "README.md", "LICENSE", "pyproject.toml"} <= tops
    assert not {name for name in tops if name.startswith(".venv")}


def test_both_are_valid(built):
    command = [sys.executable, "-m", "twine", "check", "--strict", *map(str, built.iterdir())]
    run = subprocess.run(command, capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout
    assert run.stdout.count("PASSED") == 2


def test_the_changelog_begins_with_this_version():
    (newest, *_) = re.findall(r"^## \[(.+?)\]", (REPOSITORY / "CHANGELOG.md").read_text(), re.MULTILINE)
    assert newest == __version__


def test_a_tag_names_this_version():
    """Only a release commit has a tag."""
    command = ["git", "tag", "--points-at", "HEAD", "v*"]
    run = subprocess.run(command, cwd=REPOSITORY, capture_output=True, text=True, check=False)
    assert run.stdout.split() in ([], [f"v{__version__}"])


def test_links_on_the_project_page_are_absolute(built):
    (wheel,) = built.glob("*.whl")
    archive = zipfile.ZipFile(wheel)
    (name,) = (name for name in archive.namelist() if name.endswith("METADATA"))
    links = re.findall(r"\]\(([^)]+)\)", archive.read(name).decode().split("\n\n", 1)[1])
    assert links
    assert [link for link in links if not link.startswith("https://")] == []
