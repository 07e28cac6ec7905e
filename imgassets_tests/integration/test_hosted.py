"""A hosted candidate against the embedded model, through the real graph, over a real socket."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from imgassets.cli.main import main
from imgassets.decision import Verdict
from imgassets.defs.build import build_definitions
from imgassets.defs.headless import plan
from imgassets.documents.project import load_project
from imgassets.refresh.selection import Selection
from imgassets_tests.backends.hosted_models import provider
from imgassets_tests.conftest import edit_file
from imgassets_tests.fakes.faults import Misbehaviour
from imgassets_tests.fakes.server import SECRET
from imgassets_tests.integration.conftest import read_table
from imgassets_tests.integration.small import (
    MODELS,
    at_home,
    model_file,
    validated,
    write_small_project,
)

CANDIDATE = """\
model: fast
backend: ideogram
api_model: V_3
rendering_speed: TURBO
style_type: GENERAL
asked_size: [1024, 1024]
edit: {}
upscaler: {kind: ideogram}
price: {usd_per_image: 0.03, usd_per_upscale: 0.06, source: a test, as_of: 2026-11-24}
limits: {max_usd: 0.20, max_per_minute: 100000, backoff_seconds: 0.01}
"""


def test_a_hosted_candidate_is_judged_paid_once_and_goes_on_with_a_raised_budget(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    write_small_project(tmp_path)
    model_file(tmp_path, "fast").write_text(CANDIDATE)
    edit_file(tmp_path / "contracts/endpoints/cards.yaml", "seeds: [5, 6]", "seeds: [5]")
    assert load_project(tmp_path).problems == ()

    with provider(monkeypatch, "ideogram") as fake:
        # 3 generated images and an edited one cost 0.12 USD; of 3 upscales at 0.06 one more fits.
        first = validated(tmp_path)
        assert sum(first.planned.images.values()) == 14
        assert sum(fake.bills.values()) == 5
        statuses = read_table(tmp_path, "cards", "fast", "upscaled")["status"]
        assert sorted(statuses) == ["budget_exhausted"] * 2 + ["ok"]
        assert verdict(tmp_path).verdict == "INCONCLUSIVE"

        # Nothing changed: nothing is done, and nothing is paid.
        assert validated(tmp_path).assets == set()
        assert sum(fake.bills.values()) == 5

        edit_file(model_file(tmp_path, "fast"), "max_usd: 0.20", "max_usd: 5")
        with at_home(tmp_path) as instance:
            planned = plan(load_project(tmp_path), instance, Selection())
        assert planned.images == {"upscale": 2}
        assert planned.usd == pytest.approx(2 * 0.06)
        assert "limits.max_usd: 0.2 -> 5" in planned.must["cards/fast/upscaled"]
        done = validated(tmp_path)
        assert {flow: n for flow, n in done.images.items() if n} == {"upscale": 2}
        assert sorted(fake.bills.values()) == [1] * 7
        assert not fake.leaks

        # The nightly revalidation remakes what is ours, and buys nothing.
        with at_home(tmp_path) as instance:
            job = build_definitions(load_project(tmp_path)).resolve_job_def("revalidate")
            one = {"config": {"images_per_flow": 1}}
            config = {"ops": {f"cards__{model}__revalidation": one for model in MODELS}}
            assert job.execute_in_process(run_config=config, instance=instance).success
        assert sum(fake.posts.values()) == 7

        # Each run of `reproduce` is asked for anew, and paid for.
        words = ("reproduce", "--model", "fast", "--prompt", "a large red circle", "--seed", "5")
        again = json.loads(printed(monkeypatch, tmp_path, capfd, *words, "--json"))
        assert again["same"] is True
        assert sum(fake.posts.values()) == 9

    for stage, size in (("generated", 96), ("edited", 96), ("upscaled", 192)):
        table = read_table(tmp_path, "cards", "fast", stage)
        assert (table["status"] == "ok").all()
        assert (table["width"] == size).all()
    costs = read_table(tmp_path, "cards", "fast", "cost")
    usd = costs[costs["metric"] == "cost.usd"].set_index("flow")["value"]
    assert set(usd.loc["generate"]) == {0.03}
    assert SECRET not in "".join(capfd.readouterr())
    paid = json.loads(printed(monkeypatch, tmp_path, capfd, "paid", "--json"))
    assert paid == {"fast": {"spent_usd": 0.36, "max_usd": 5.0, "requests": {"received": 9}}}
    final = verdict(tmp_path)
    correct = next(c for c in final.criteria if c["metric"] == "composition.correct")
    assert correct["value"] == 1.0  # the fake draws what it is asked for

    for path in tmp_path.rglob("*"):
        assert not path.is_file() or SECRET.encode() not in path.read_bytes(), path


def test_a_failure_that_lasts_holds_up_no_verdict_and_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    only_a_hosted_model(tmp_path)
    with provider(monkeypatch, "ideogram") as fake:
        validated(tmp_path)
        assert failed_share(tmp_path) == 0
        asked = sum(fake.posts.values())

        # A prompt is edited while its image keeps failing: the verdict is of the present prompts.
        edit_file(tmp_path / "prompts/few.yaml", "two green stars", "two green stars again")
        fake.misbehaviour = Misbehaviour({"server_error": 1.0})
        for posts in (1, 2):
            done = validated(tmp_path)
            assert "cards/fast/generated" in done.assets
            assert sum(fake.posts.values()) == asked + posts, "tried once by every validate"
            assert failed_share(tmp_path) == pytest.approx(1 / 3)

        fake.misbehaviour = Misbehaviour()
        assert validated(tmp_path).images["generate"] == 1
        assert failed_share(tmp_path) == 0
        assert validated(tmp_path).assets == set()


def test_a_key_that_is_not_set_is_no_verdict_on_the_model(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The verdict says what to mend; once it is, the images are made without further ado."""
    monkeypatch.delenv("IMGASSETS_HOME", raising=False)
    only_a_hosted_model(tmp_path)
    with provider(monkeypatch, "ideogram") as fake:
        monkeypatch.delenv("IDEOGRAM_API_KEY")
        validated(tmp_path)
        assert verdict(tmp_path).verdict == "INCONCLUSIVE"
        assert "$IDEOGRAM_API_KEY is not set" in verdict(tmp_path).sentence
        assert "Mend that first, then validate again." in verdict(tmp_path).sentence
        assert sum(fake.posts.values()) == 0

        monkeypatch.setenv("IDEOGRAM_API_KEY", SECRET)
        assert validated(tmp_path).images["generate"] == 3
    assert "IDEOGRAM_API_KEY" not in verdict(tmp_path).sentence


def only_a_hosted_model(root: Path) -> None:
    """Three generated images of one seed, judged by themselves."""
    write_small_project(root)
    once = CANDIDATE.replace("backoff_seconds: 0.01", "attempts: 1")
    model_file(root, "fast").write_text(once)
    contract = root / "contracts/endpoints/cards.yaml"
    edit_file(contract, "incumbent: prod", "incumbent: fast")
    edit_file(contract, "candidates: [fast]", "candidates: []")
    edit_file(contract, "flows: [generate, edit, upscale]", "flows: [generate]")
    edit_file(contract, "seeds: [5, 6]", "seeds: [5]")
    edit_file(contract, "  - {metric: artefacts.clean, flow: upscale, floor: 0.5}\n", "")
    edit_file(contract, "mode: backend_error", "mode: server_error")


def failed_share(root: Path) -> float:
    """Of all images, as the verdict has it."""
    return next(c["value"] for c in verdict(root).criteria if "server_error" in c["metric"])


def printed(
    monkeypatch: pytest.MonkeyPatch, root: Path, capfd: pytest.CaptureFixture[str], *words: str
) -> str:
    monkeypatch.setenv("IMGASSETS_PROJECT", str(root))
    assert main(words) == 0
    return capfd.readouterr().out


def verdict(root: Path) -> Verdict:
    path = root / ".imgassets/tables/cards/fast/verdict.json"
    return Verdict.model_validate(json.loads(path.read_text()))
