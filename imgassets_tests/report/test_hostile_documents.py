"""Prompts with markup, written into documents as people would, all the way to the report."""

from __future__ import annotations

import dataclasses
import json
import re
from pathlib import Path
from xml.etree import ElementTree

import pytest
import yaml

from imgassets.documents.project import load_project
from imgassets.report.build import build_report
from imgassets.report.inputs import ImagePair, ReportInput
from imgassets.requests import build_requests
from imgassets_tests.conftest import edit_file
from imgassets_tests.report.test_page import Outline

PROMPTS = [
    "<script>alert(1)</script>",
    "<img src=x onerror=alert(1)>",
    "</td></table></main><iframe src=//evil.example>",
    "\"><svg onload=alert(1)>",
    "' onmouseover='alert(1)",
    "{{ 7 * 7 }}{% for x in ().__class__.__base__.__subclasses__() %}{% endfor %}",
    "${7*7} #{7*7} <%= 7*7 %>",
    "<!-- --><![CDATA[ ]]>",
    "]]><failure/>",
    "&lt;script&gt;alert(1)&lt;/script&gt;",
    "| a | b |\n|---|---|\n[click](javascript:alert(1))",
    "\x1b[31mred\x1b[0m\x07",
    "\u202egnirts desrever\u202c",
    "a\u0000b\ufffe",
    "=HYPERLINK(\"http://evil.example\")",
    "</style><style>*{display:none}</style>",
]  # fmt: skip


@pytest.fixture
def files(project_root: Path, made_up: ReportInput) -> dict[str, str]:
    """The report's files on requests that came from documents with these prompts."""
    path = project_root / "prompts/few.yaml"
    document = yaml.safe_load(path.read_text())
    document["prompts"] += [{"id": f"p-{n}", "prompt": text} for n, text in enumerate(PROMPTS)]
    path.write_text(yaml.safe_dump(document))
    edit_file(project_root / "contracts/endpoints/cards.yaml", "chars: 60", "chars: 120")
    project = load_project(project_root)
    assert project.problems == ()
    requests = [
        r
        for r in build_requests(project, "cards", "prod", "cpu")
        if r.flow == "generate" and r.seed == 5 and r.prompt_id.startswith("p-")
    ]
    assert [r.inputs["prompt"] for r in requests] == [f"{p} on white" for p in PROMPTS]
    model = made_up.verdicts[0].model
    loaded = made_up.pairs[model][0].candidate_key
    pairs = [
        ImagePair("worst", r.flow, r.prompt_id, r.seed, r.image_key,
                  reason=f"reads {r.inputs['prompt']!r}, not {r.inputs['prompt']}")
        for r in requests
    ]  # fmt: skip
    load = made_up.load
    assert load is not None
    said = [PROMPTS[i % len(PROMPTS)] for i in range(len(made_up.images[model]))]
    spoiled = dataclasses.replace(
        made_up,
        pairs={model: pairs},
        load=lambda key: load(loaded),
        requests={r.image_key: r.inputs for r in requests},
        images={model: made_up.images[model].assign(message=said)},
        comparisons={
            m: dataclasses.replace(c, table=c.table.assign(reason=PROMPTS[i]))
            for i, (m, c) in enumerate(made_up.comparisons.items())
        },
        verdicts=[
            v.model_copy(update={"sentence": f"{v.verdict}: {''.join(PROMPTS)}"})
            for v in made_up.verdicts
        ],
    )
    return build_report(spoiled)


def test_the_page_shows_them_and_runs_nothing(files: dict[str, str]) -> None:
    page = files["report.html"]
    outline = Outline(page)
    assert outline.open == []
    assert not {"script", "iframe", "object", "embed"} & {tag for tag, _ in outline.elements}
    assert len(outline.all("style")) == 1
    for _, attributes in outline.elements:
        assert not any(name.startswith("on") for name in attributes)
        assert not re.match("(?i)javascript:|//|http", attributes.get("href") or "")
    assert page.count("&lt;script&gt;alert(1)") >= 2
    assert "{{ 7 * 7 }}" in page


def test_the_other_forms_stay_what_they_are(files: dict[str, str]) -> None:
    for name, text in files.items():
        if name.endswith(".xml"):
            ElementTree.fromstring(text)  # noqa: S314 - our own output
        elif name.endswith(".json"):
            json.loads(text)
        elif name.endswith(".md"):
            assert not re.search(r"<(script|img|iframe|svg|style)\b", text)
            assert "](javascript:" not in text
            assert "\x1b" not in text
    assert {Path(name).suffix for name in files} >= {".html", ".md", ".xml", ".json"}
