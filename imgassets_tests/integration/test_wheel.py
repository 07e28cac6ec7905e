"""What is installed from a wheel, without this repository beside it, gives a user all to begin."""

from __future__ import annotations

import hashlib
import os
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest
import yaml

from imgassets.starts.files import Start

ROOT = Path(__file__).parents[2]
MOST_BYTES = 43_000_000  # of which the photographs of the demo are 1.8


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built as `pip wheel .` builds it; without a network, since hatchling is installed."""
    out = tmp_path_factory.mktemp("wheel")
    build = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(out)]
    subprocess.run(build, cwd=ROOT, check=True, capture_output=True)
    return next(out.glob("*.whl"))


@pytest.fixture(scope="module")
def installed(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """As `pip install --target`: unpacked."""
    folder = tmp_path_factory.mktemp("installed")
    with zipfile.ZipFile(wheel) as archive:
        archive.extractall(folder)
    return folder


def run(installed: Path, project: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    environment = {
        key: value
        for key, value in os.environ.items()
        if key not in ("IMGASSETS_PROJECT", "IMGASSETS_HOME", "DAGSTER_HOME")
    }
    return subprocess.run(
        [sys.executable, "-m", "imgassets.cli.main", *arguments],
        cwd=project,
        env=environment | {"PYTHONPATH": str(installed)},
        capture_output=True,
        text=True,
    )


def test_it_is_small_and_holds_each_weight_once(wheel: Path) -> None:
    assert wheel.stat().st_size <= MOST_BYTES
    with zipfile.ZipFile(wheel) as archive:
        names = [n for n in archive.namelist() if n.endswith((".safetensors", ".onnx"))]
        hashes = {hashlib.sha256(archive.read(name)).hexdigest() for name in names}
    assert len(hashes) == len(names) >= 8


def test_it_holds_the_package_and_nothing_else(wheel: Path) -> None:
    with zipfile.ZipFile(wheel) as archive:
        names = archive.namelist()
    assert {name.split("/")[0].split("-")[0] for name in names} == {"imgassets"}
    assert not [name for name in names if "__pycache__" in name or ".imgassets" in name]
    kept = {str(p.relative_to(ROOT)) for p in (ROOT / "imgassets").rglob("*") if p.is_file()}
    assert {name for name in kept if "__pycache__" not in name} <= set(names)


@pytest.mark.parametrize("start", list(Start))
def test_each_start_passes_check(start: Start, installed: Path, tmp_path: Path) -> None:
    made = run(installed, tmp_path, "init", "--from", str(start))
    assert made.returncode == 0, made.stderr
    checked = run(installed, tmp_path, "check")
    assert (checked.returncode, checked.stderr) == (0, "")
    assert "all valid" in checked.stdout


def test_a_project_runs_to_its_verdict(installed: Path, tmp_path: Path) -> None:
    """With four prompts, so that it takes seconds: too few to decide, and that is said."""
    assert run(installed, tmp_path, "init", "--from", "diffusers").returncode == 0
    prompts = tmp_path / "prompts/first.yaml"
    data = yaml.safe_load(prompts.read_text())
    prompts.write_text(yaml.safe_dump(data | {"prompts": data["prompts"][:4]}))
    done = run(installed, tmp_path, "validate")
    assert done.returncode == 1, done.stderr
    assert "INCONCLUSIVE" in done.stdout
    assert (tmp_path / ".imgassets/reports/first/report.html").is_file()
