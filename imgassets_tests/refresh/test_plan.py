"""Walking the graph: what must be made, what follows, and what may run together."""

from __future__ import annotations

from dataclasses import replace

from imgassets.refresh.observed.state import ObservedState
from imgassets.refresh.plan import Asset, Made, Plan, walk
from imgassets.refresh.plan_text import plan_in_words

DOCUMENT = "documents/models/prod/generator"
CRITERIA = "documents/endpoints/cards/criteria"


def fresh(key: str, *parents: str, **more: object) -> Asset:
    """An asset made from version `1` of all of its parents."""
    made = Made("1", "1", dict.fromkeys(parents, "1"))
    return replace(Asset(key, parents, "1", made), **more)  # type: ignore[arg-type]


def graph() -> dict[str, Asset]:
    assets = [
        fresh("requests", DOCUMENT, predicted="1"),
        fresh("images", "requests", mirrors=("requests",)),
        fresh("table", "images"),
        fresh("comparison", "table", CRITERIA),
        fresh("verdict", "comparison"),
        fresh("report", "comparison", "verdict"),
    ]
    return {asset.key: asset for asset in assets}


def planned(
    assets: dict[str, Asset],
    wanted: set[str] | None = None,
    tried: set[str] | None = None,
    **versions: str,
) -> Plan:
    present = {DOCUMENT: versions.get("document", "1"), CRITERIA: versions.get("criteria", "1")}
    return walk(list(assets.values()), observed(present), wanted or set(assets), tried or ())


def observed(versions: dict[str, str]) -> dict[str, ObservedState]:
    def state(key: str, version: str) -> ObservedState:
        return ObservedState(key, version, lambda before: f"{key} is no longer {before}", {})

    return {key: state(key, version) for key, version in versions.items()}


def test_nothing_changed() -> None:
    plan = planned(graph())
    assert plan.assets == {}
    assert plan.ready() == []
    assert plan_in_words(plan) == "everything is up to date"


def test_a_document_makes_stale_what_reads_it_and_the_rest_follows() -> None:
    plan = planned(graph(), criteria="2")
    assert plan.must == {"comparison": f"{CRITERIA} is no longer 1"}
    assert list(plan.follow) == ["verdict", "report"]
    assert plan.follow["report"] == f"follows comparison: {CRITERIA} is no longer 1"
    assert plan.ready() == ["comparison"]
    assert plan.ready(tried=["comparison"]) == []


def test_a_reason_is_printed_once_with_all_that_it_remakes() -> None:
    why, other = "cards.yaml:12: floor: 1 -> 2", "never made"
    plan = Plan(
        must={"cards/a/requests": other, "cards/b/comparison": why, "cards/a/comparison": why},
        follow={
            "cards/a/verdict": f"follows cards/a/comparison: {why}",
            "cards/report": f"follows cards/a/comparison: {why}",
        },
        parents={
            "cards/a/requests": (),
            "cards/a/comparison": (),
            "cards/a/verdict": (),
            "cards/b/comparison": (),
            "cards/report": (),
        },
        images={"generate": 2},
        seconds=100.0,
        usd=0.5,
        scores={"look": 2},
        score_seconds=2.0,
        other_seconds=20.0,
    )
    assert plan_in_words(plan).splitlines() == [
        "never made  (1 asset)",
        "    cards/a: requests",
        "cards.yaml:12: floor: 1 -> 2  (4 assets)",
        "    cards/a: comparison",
        "    cards/b: comparison",
        "    cards/a, if that differs: verdict",
        "    cards, if that differs: report",
        "",
        "3 asset(s) to make, 2 more if what is above differs",
        "images: 2 to generate; about 2 min, 0.500000 USD",
        "images to score: 2 by look; about 2 s",
        "in all about 2 min",
    ]
    assert plan.to_dict()["total_seconds"] == 122.0
    unknown = replace(plan, score_seconds=None)
    assert plan_in_words(unknown).splitlines()[-2:] == [
        "images to score: 2 by look; unknown time",
        "in all more than 2 min; the rest was never measured",
    ]
    assert unknown.to_dict()["total_seconds"] is None


def test_requests_known_to_come_out_as_they_were_stop_the_wave() -> None:
    plan = planned(graph(), document="2")
    assert list(plan.must) == ["requests"]
    assert not plan.follow


def test_requests_known_to_change_take_their_images_along() -> None:
    assets = graph()
    assets["requests"] = replace(assets["requests"], predicted="2")
    plan = planned(assets, document="2")
    assert list(plan.must) == ["requests", "images", "table"]
    assert set(plan.must.values()) == {f"{DOCUMENT} is no longer 1"}
    assert list(plan.follow) == ["comparison", "verdict", "report"]
    assert plan.ready() == ["requests", "images", "table"]


def test_code_versions_dependencies_and_corruption_are_causes() -> None:
    assets = graph()
    assets["table"] = replace(assets["table"], code_version="2")
    assets["comparison"] = replace(
        assets["comparison"], parents=("table", "images"), corruption="its file is missing"
    )
    plan = planned(assets)
    assert plan.must["table"] == "code version 1 -> 2"
    assert plan.must["comparison"] == (
        f"its file is missing; now depends on images; no longer depends on {CRITERIA}"
    )
    assert plan.ready() == ["table", "comparison"]


def test_what_failed_once_more_is_not_waited_for() -> None:
    assets = graph()
    assets["images"] = replace(assets["images"], transient="1 images failed (server_error)")
    first = planned(assets)
    assert first.must == {"images": "1 images failed (server_error)"}
    assets["images"] = replace(assets["images"], made=Made("2", "1", {"requests": "1"}))
    second = planned(assets, tried={"images"})
    assert second.must == {"table": "images came out different"}
    assert second.ready({"images"}) == ["table"]
    assets["images"] = replace(assets["images"], corruption="its file is missing")
    assert planned(assets, tried={"images"}).must["images"] == "its file is missing"


def test_what_waits_for_an_undecided_asset_is_not_ready() -> None:
    assets = graph()
    assets["table"] = replace(assets["table"], code_version="2")
    assets["report"] = replace(assets["report"], corruption="report.html is missing")
    plan = planned(assets)
    assert list(plan.must) == ["table", "report"]
    assert list(plan.follow) == ["comparison", "verdict"]
    assert plan.ready() == ["table"], "the report waits for the verdict"


def test_all_of_a_branch_that_was_never_made_runs_at_once() -> None:
    assets = {key: replace(asset, made=None) for key, asset in graph().items()}
    plan = planned(assets)
    assert plan.ready() == list(assets)


def test_an_asset_made_from_what_is_no_longer_so_is_stale() -> None:
    assets = graph()
    assets["table"] = replace(assets["table"], made=Made("2", "1", {"images": "1"}))
    plan = planned(assets)
    assert plan.must == {"comparison": "table came out different"}


def test_requests_that_would_ask_for_other_images_are_stale_without_a_cause_above() -> None:
    assets = graph()
    assets["requests"] = replace(assets["requests"], predicted="2")
    plan = planned(assets)
    why = "asks for other images than those that were requested"
    assert plan.must == dict.fromkeys(("requests", "images", "table"), why)


def test_what_one_step_makes_is_made_together() -> None:
    beside = [f"requests_{flow}" for flow in ("edit", "generate", "upscale")]
    assets = {
        key: fresh(key, DOCUMENT, predicted="1", together=tuple(k for k in beside if k != key))
        for key in beside
    } | {"upscaled": fresh("upscaled", "requests_upscale", mirrors=("requests_upscale",))}
    assert not planned(assets).assets
    assets["requests_upscale"] = replace(assets["requests_upscale"], corruption="it is missing")
    plan = planned(assets)
    together = "made together with requests_upscale"
    assert plan.must == dict(zip(beside, (together, together, "it is missing"), strict=True))
    assert not plan.follow
    assert plan.ready() == beside


def test_only_what_is_wanted_is_planned() -> None:
    assert not planned(graph(), wanted={"requests", "images"}, criteria="2").assets
