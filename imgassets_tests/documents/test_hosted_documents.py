"""Documents of hosted models: what they may say, what is in a key, and that the examples hold."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.documents.facets import facets_of
from imgassets.documents.gemini import GeminiModel
from imgassets.documents.hosted import HostedModel
from imgassets.documents.ideogram import IdeogramModel
from imgassets.documents.models import model_class, pairing_of
from imgassets.documents.openai import OpenAIModel
from imgassets.documents.project import Project, load_project
from imgassets.documents.yamlfile import read_yaml
from imgassets.refresh.estimate import estimate
from imgassets.requests import Request, build_requests
from imgassets_tests.conftest import edit_file

EXAMPLES = Path(__file__).parents[2] / "contracts" / "models" / "examples"
IDEOGRAM = """\
model: fast
backend: ideogram
api_model: V_3
rendering_speed: TURBO
style_type: GENERAL
asked_size: [1024, 1024]
edit: {}
upscaler: {kind: ideogram}
price: {usd_per_image: 0.03, usd_per_upscale: 0.06, source: a test, as_of: 2026-11-24}
limits: {max_usd: 5, max_per_minute: 100000}
"""
GEMINI = """\
model: fast
backend: gemini
api_model: gemini-3.1-flash-image
aspect_ratio: "1:1"
image_size: 1K
asked_size: [1024, 1024]
edit: {instruction: "{prompt}, only from {left} %, {top} % to {right} %, {bottom} %"}
upscaler: {kind: lanczos, scale: 2}
price: {usd_per_image: 0.067, source: a test, as_of: 2026-11-24}
limits: {max_usd: 5, max_per_minute: 100000}
"""
OPENAI = """\
model: fast
backend: openai
api_model: gpt-image-1
quality: low
seed_parameter: seed
asked_size: [1024, 1024]
edit: {}
upscaler: {kind: lanczos, scale: 2}
price: {usd_per_image: 0.011, source: a test, as_of: 2026-11-24}
limits: {max_usd: 5, max_per_minute: 100000}
"""


def hosted_file(root: Path, text: str) -> Path:
    """The candidate of the small project, replaced by a hosted model."""
    path = root / "contracts/models/fast.yaml"
    path.write_text(text)
    return path


def requests(root: Path, device: str = "cpu") -> dict[tuple[str, str, int], Request]:
    found = build_requests(load_project(root), "cards", "fast", device)
    return {(r.flow, r.prompt_id, r.seed): r for r in found}


def problems(root: Path) -> list[str]:
    return [str(p) for p in load_project(root).problems]


@pytest.mark.parametrize("text", [IDEOGRAM, GEMINI, OPENAI])
def test_a_hosted_model_needs_no_weights(project_root: Path, text: str) -> None:
    hosted_file(project_root, text)
    assert problems(project_root) == []
    assert len(requests(project_root)) == 14


@pytest.mark.parametrize(
    ("text", "old", "new", "told"),
    [
        (
            IDEOGRAM,
            "backend: ideogram",
            "backend: midjourney",
            "one of diffusers, ideogram, gemini, openai, comfyui, command, folder",
        ),
        (IDEOGRAM, "rendering_speed: TURBO\n", "", "V_3 needs a rendering_speed"),
        (IDEOGRAM, "api_model: V_3", "api_model: V_2", "V_2 has no rendering_speed"),
        (IDEOGRAM, "GENERAL", "ANIME", "V_3 has no style_type ANIME"),
        (IDEOGRAM, ", usd_per_upscale: 0.06", "", "add `usd_per_upscale`"),
        (IDEOGRAM, "[1024, 1024]", "[1000, 1000]", "has no resolution 1000x1000"),
        (IDEOGRAM, "asked_size: [1024, 1024]\n", "", "has no resolution 96x96"),
        (IDEOGRAM, "[1024, 1024]", "[1152, 896]", "without distortion"),
        (IDEOGRAM, "max_usd: 5", "max_usd: 0", "greater than 0"),
        (IDEOGRAM, "limits: {max_usd: 5, max_per_minute: 100000}", "", "limits"),
        (IDEOGRAM, "upscaler: {kind: ideogram}\n", "", "the price of upscaler kind ideogram"),
        (IDEOGRAM, "style_type: GENERAL", "style_type: GENERAL\nsampling: {steps: 3}", "unknown"),
        (GEMINI, "{prompt}, only", "only", "put `{prompt}` into it"),
        (GEMINI, "{left}", "{west}", "unknown placeholder"),
        (GEMINI, "edit: {", "edit_off: {", "unknown field"),
        (GEMINI, "usd_per_image: 0.067", "usd_per_hour: 1", "usd_per_image"),
        (OPENAI, "quality: low", "base_url: http://10.0.0.1/v1", "use https"),
        (OPENAI, "quality: low", "base_url: https://me:pw@acme.example/v1", "no name, password"),
        (OPENAI, "quality: low", "base_url: https://acme.example/v1", "api_key_variable"),
        (OPENAI, "quality: low", "api_key_variable: HOME", "ACME_API_KEY"),
        (OPENAI, "quality: low", "extra: {n: 4}", "extra: n has a field of its own"),
        (OPENAI, "quality: low", "extra: {seed: 4}", "extra: seed has a field of its own"),
        (OPENAI, "parameter: seed", "parameter: prompt", "names of their own"),
    ],
)
def test_what_is_wrong_is_told(
    project_root: Path, text: str, old: str, new: str, told: str
) -> None:
    edit_file(hosted_file(project_root, text), old, new)
    assert any(told in problem for problem in problems(project_root)), problems(project_root)


@pytest.mark.parametrize(
    ("text", "old", "new", "changed"),
    [
        (IDEOGRAM, "TURBO", "QUALITY", {"generate", "edit", "upscale"}),
        (IDEOGRAM, "GENERAL", "DESIGN", {"generate", "edit", "upscale"}),
        (IDEOGRAM, "{kind: ideogram}", "{kind: ideogram, detail: 80}", {"upscale"}),
        (IDEOGRAM, "max_usd: 5", "max_usd: 9, timeout_seconds: 7", set()),
        (IDEOGRAM, "usd_per_image: 0.03", "usd_per_image: 0.04", set()),
        (IDEOGRAM, "limits", "retired: 2026-01-01\nlimits", set()),
        (GEMINI, "gemini-3.1", "gemini-3.2", {"generate", "edit", "upscale"}),
        (GEMINI, "image_size", "temperature: 0.5\nimage_size", {"generate", "edit", "upscale"}),
        (GEMINI, "api_model", "api_version: v1\napi_model", {"generate", "edit", "upscale"}),
        (GEMINI, "only from", "just from", {"edit"}),
        (OPENAI, "low", "high", {"generate", "edit", "upscale"}),
        (OPENAI, "low", "low\nextra: {steps: 3}", {"generate", "edit", "upscale"}),
        (OPENAI, "edit: {}", "edit: {input_fidelity: high}", {"edit"}),
        (OPENAI, "low", "low\napi_key_variable: ACME_API_KEY", set()),
        (GEMINI, "scale: 2", "scale: 3", {"upscale"}),
    ],
)
def test_only_what_can_change_a_picture_changes_a_key(
    project_root: Path, text: str, old: str, new: str, changed: set[str]
) -> None:
    path = hosted_file(project_root, text)
    before = requests(project_root)
    edit_file(path, old, new)
    after = requests(project_root)
    found = {k[0] for k in before if before[k].image_key != after[k].image_key}
    assert found == changed


def test_machine_and_libraries_are_in_the_key_of_local_upscales_alone(project_root: Path) -> None:
    for text, local in ((IDEOGRAM, set()), (GEMINI, {"upscale"})):
        hosted_file(project_root, text)
        here, there = requests(project_root), requests(project_root, "cuda")
        assert {k[0] for k in here if here[k].image_key != there[k].image_key} == local
    inputs = requests(project_root)["generate", "red-circle", 5].inputs
    assert {"libraries", "device", "sampling", "pipeline"}.isdisjoint(inputs)


def test_replicates_and_seeds_are_asked_for_apart(project_root: Path) -> None:
    hosted_file(project_root, GEMINI)
    edit_file(
        project_root / "contracts/endpoints/cards.yaml",
        "seeds: [5, 6]",
        "seeds: [5], replicates: 3",
    )
    found = build_requests(load_project(project_root), "cards", "fast", "cpu")
    assert len({r.image_key for r in found if r.flow == "generate"}) == 9


def test_limits_are_a_facet_of_their_own(project_root: Path) -> None:
    def facets() -> dict[str, str]:
        return facets_of(load_project(project_root), "models", "fast")

    path = hosted_file(project_root, IDEOGRAM)
    before = facets()
    edit_file(path, "max_usd: 5", "max_usd: 6")
    assert {f for f, v in facets().items() if v != before[f]} == {"limits"}
    assert "limits" not in facets_of(load_project(project_root), "models", "prod")


def test_the_price_of_hosted_images_is_known_before_any_was_made(project_root: Path) -> None:
    hosted_file(project_root, IDEOGRAM)
    project = load_project(project_root)
    seconds, usd = estimate(build_requests(project, "cards", "fast", "cpu"), {}, project)
    assert seconds is None
    assert usd == pytest.approx((6 + 2) * 0.03 + 6 * 0.06)


def test_hosted_models_are_paired_by_prompt_alone(project_root: Path) -> None:
    project = load_project(project_root)
    assert pairing_of(project.model("fast"), project.model("prod")) == "noise"
    hosted_file(project_root, IDEOGRAM)
    project = load_project(project_root)
    assert pairing_of(project.model("fast"), project.model("prod")) == "prompt"
    assert pairing_of(project.model("prod"), project.model("fast")) == "prompt"


def test_gemini_does_not_promise_to_repeat_itself() -> None:
    assert GeminiModel.reproducibility == "none"
    assert IdeogramModel.reproducibility == "seeded"


def test_a_server_repeats_itself_where_it_takes_a_seed(project_root: Path) -> None:
    path = hosted_file(project_root, OPENAI)
    model = load_project(project_root).model("fast")
    assert isinstance(model, OpenAIModel)
    assert model.reproducibility == "seeded"
    edit_file(path, "seed_parameter: seed\n", "")
    model = load_project(project_root).model("fast")
    assert isinstance(model, OpenAIModel)
    assert model.reproducibility == "none"


# ---- examples -----------------------------------------------------------------------------


def hosted_examples() -> list[Path]:
    own = ("backend: diffusers", "backend: comfyui")
    paths = sorted(EXAMPLES.glob("*.yaml"))
    return [path for path in paths if not any(words in path.read_text() for words in own)]


def test_there_are_examples_of_what_teams_swap_between() -> None:
    names = {path.stem for path in hosted_examples()}
    assert names >= {
        "ideogram-v2",
        "ideogram-v2-turbo",
        "ideogram-v3-turbo",
        "ideogram-v3-default",
        "ideogram-v3-quality",
        "gemini-3-1-flash-image",
        "gemini-2-5-flash-image",
        "gpt-image-1",
    }


@pytest.mark.parametrize("path", hosted_examples(), ids=lambda path: path.stem)
def test_an_example_is_a_valid_document_with_a_dated_price(path: Path) -> None:
    source = read_yaml(path)
    model = model_class(source.data).model_validate(source.data)
    assert isinstance(model, HostedModel)
    assert model.model == path.stem
    assert model.price.source
    assert model.size_problem((1024, 1024)) is None
    assert model.size_problem((512, 512)) is None
    if isinstance(model, IdeogramModel):
        assert model.magic_prompt == "OFF"


def test_the_retired_model_says_so() -> None:
    data = read_yaml(EXAMPLES / "gemini-2-5-flash-image.yaml").data
    assert GeminiModel.model_validate(data).retired is not None


def test_examples_are_no_part_of_the_demo() -> None:
    project: Project = load_project(EXAMPLES.parents[2])
    assert set(project.models).isdisjoint(p.stem for p in EXAMPLES.glob("*.yaml"))
