"""The Dockerfile: what it copies is there, what it promises to Kubernetes it does."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

ROOT = Path(__file__).parents[2]
DOCKERFILE = ROOT / "Dockerfile"


def instructions() -> list[tuple[str, str]]:
    """Each instruction and its words, continued lines joined."""
    text = DOCKERFILE.read_text(encoding="utf-8")
    lines = [line for line in text.splitlines() if line.strip() and not line.startswith("#")]
    joined = re.sub(r"\\\n\s*", "", "\n".join(lines))
    return [(name, rest) for name, _, rest in (line.partition(" ") for line in joined.split("\n"))]


def of(name: str) -> list[str]:
    return [rest for found, rest in instructions() if found == name]


def last_stage() -> list[tuple[str, str]]:
    found = instructions()
    return found[max(i for i, (name, _) in enumerate(found) if name == "FROM") :]


def copied() -> set[str]:
    """What is taken from this repository."""
    words = [line.split() for line in of("COPY") if not line.startswith("--from=")]
    return {source for line in words for source in line[:-1]}


def test_what_is_copied_is_there_and_nothing_else_is_sent() -> None:
    """No key, home or history can get into an image, since all but these is ignored."""
    first, *rest = [x for x in (ROOT / ".dockerignore").read_text().split("\n") if x[:1] != "#"]
    assert first == "*"
    assert {line[1:] for line in rest if line.startswith("!")} == copied()
    assert all((ROOT / source).exists() for source in copied())


def test_versions_are_those_of_constraints() -> None:
    """Every installation is held to constraints.txt, whose Python is the image's."""
    installs = re.findall(r"pip install ([^;&]*)", " ".join(of("RUN")))
    assert len(installs) == 2
    assert all("-c constraints.txt" in words for words in installs)
    bases = {words.split()[0] for words in of("FROM")}
    assert bases == {"python:3.11-slim-bookworm"}
    assert 'requires-python = ">=3.11"' in (ROOT / "pyproject.toml").read_text()


def test_the_extras_it_installs_are_ours() -> None:
    extras = re.search(r"\.\[([a-z,]+)\]", " ".join(of("RUN")))
    assert extras
    project = (ROOT / "pyproject.toml").read_text()
    for extra in extras[1].split(","):
        assert re.search(rf"^{extra} = \[", project, re.MULTILINE), extra


def test_it_ends_as_a_user_without_rights() -> None:
    users = [words for name, words in last_stage() if name == "USER"]
    assert users == ["10001:10001"]
    after = [name for name, _ in last_stage()]
    assert "RUN" not in after[after.index("USER") :]


def test_it_serves_the_code_location_that_the_chart_asks_for() -> None:
    (command,) = of("CMD")
    (code,) = yaml.safe_load((ROOT / "docs/deploy/kubernetes/values.yaml").read_text())[
        "dagster-user-deployments"
    ]["deployments"]
    words = json.loads(command)
    assert words[:3] == ["dagster", "api", "grpc"]
    assert words[-2:] == code["dagsterApiGrpcArgs"]
    assert words[words.index("-p") + 1] == str(code["port"]) == of("EXPOSE")[0]
    (health,) = of("HEALTHCHECK")
    assert f'"-p", "{code["port"]}"' in health
    assert not of("ENTRYPOINT")  # the chart's commands begin with their program


def test_no_secret_is_in_it() -> None:
    text = DOCKERFILE.read_text().lower()
    assert not re.search(r"(password|token|secret|api_key|access_key)\s*=", text)
