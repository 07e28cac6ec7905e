"""The HTML page: complete, self-contained, escaped, small, and readable for everyone."""

from __future__ import annotations

import dataclasses
import io
import re
from html.parser import HTMLParser
from itertools import pairwise

import numpy as np
import pytest
from PIL import Image

from imgassets.decision import Verdict, compare, decide
from imgassets.report.inputs import ImagePair, ReportError, ReportInput
from imgassets.report.page import MAX_BYTES, render_html
from imgassets_tests.decision.factories import BASE, NEW, endpoint, measured, noisy
from imgassets_tests.report.factories import REPEATED, keys

HOSTILE = """<script>alert("1")</script>'"><img src=x onerror=alert(2)>&amp;{{7*7}}"""
VOID = {"meta", "link", "img", "br", "input", "hr", "rect", "line", "circle", "path"}


class Outline(HTMLParser):
    """Elements with their attributes, and whether every one is closed in order."""

    def __init__(self, page: str) -> None:
        super().__init__()
        self.elements: list[tuple[str, dict[str, str | None]]] = []
        self.open: list[str] = []
        self.feed(page)

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.elements.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self.open, f"</{tag}> closes nothing"
        assert self.open.pop() == tag

    def all(self, tag: str) -> list[dict[str, str | None]]:
        return [attributes for name, attributes in self.elements if name == tag]


def test_every_verdict_with_its_sentence(page: str, made_up: ReportInput) -> None:
    for verdict in made_up.verdicts:
        assert verdict.verdict in page
        assert verdict.model in page
    assert "requests gave a blank image; the contract allows none" in page
    assert "a person must look first" in page


def test_what_may_ask_for_a_person_is_folded_below(made_up: ReportInput) -> None:
    """A GO shows its undecided review criterion: counted without unfolding, the reason within."""
    light = "look.lightness"
    contract = endpoint(
        [{"metric": "typography.ned", "floor": 0.1}],
        flows=["generate"],
        review={
            "look": {"lightness": 0.5},
            "near": [{"metric": "typography.ned", "within": 0.1}],
            "disagree": [{"metrics": ["typography.exact", "typography.words"], "max_rate": 0.1}],
        },
    )
    new, base = (
        measured(
            name,
            {"typography.ned": lambda p, s: 0.9 + p % 2 / 20, light: noisy(50, 3, seed)},
            range(30),
        )
        for name, seed in ((NEW, 1), (BASE, 2))
    )
    comparison = compare(contract, new, base)
    verdict = decide(comparison)
    assert verdict.verdict == "GO"
    page = render_html(
        ReportInput(endpoint=contract, verdicts=[verdict], comparisons={NEW: comparison})
    )
    folded = page.partition("<summary>tiny-new: 3 review criteria: 1 passed, 2 undecided</summary>")
    table = folded[2].partition("</details>")[0]
    assert re.findall(r'<th role="rowheader" scope="row">([^<\n]*)', table) == [
        "Lightness",
        "Exact text and words that can be read contradict",
        "Similarity of the text near its limit",
    ]
    assert table.count("> undecided</span>") == 2
    assert "were measured on too few prompts together." in table
    assert "the contract allows 0.500 L*." in table
    assert Outline(page).open == []
    alone = compare(contract, base)
    itself = ReportInput(endpoint=contract, verdicts=[decide(alone)], comparisons={BASE: alone})
    assert "tiny-base: 2 review criteria" in render_html(itself)  # its look is the yardstick


def test_the_order_is_that_of_a_reader(page: str) -> None:
    """Verdicts, each model with what it wins before its pairs, costs, and the rest folded."""
    order = [
        'id="verdicts"', 'id="model-1"', 'class="balance"', "Pairs to look at",
        ": all criteria (", 'id="model-2"', 'id="costs"', 'id="changes"', 'id="provenance"',
    ]  # fmt: skip
    places = [page.index(text) for text in order]
    assert places == sorted(places)
    folded = page[page.index('id="provenance"') :]
    assert folded.index("<details") < folded.index("<dl")


def test_every_table_says_whose_it_is(page: str, made_up: ReportInput) -> None:
    captions = re.findall(r"<caption[^>]*>([^<]*)", page)
    assert len(captions) == page.count("<table")
    for verdict in made_up.verdicts:
        assert sum(text.startswith(verdict.model) for text in captions) >= 2


def test_judges_are_named_once(made_up: ReportInput) -> None:
    said = "composition by coco-small, right on 83 %"
    verdicts = [v.model_copy(update={"judges": said}) for v in made_up.verdicts]
    page = render_html(dataclasses.replace(made_up, verdicts=verdicts))
    assert page.count("omposition by coco-small") == 1


def test_elements_are_closed_in_order(page: str) -> None:
    assert Outline(page).open == []


def test_nothing_is_fetched(page: str) -> None:
    """No script, no style sheet, no font, no picture from elsewhere; the page forbids it too."""
    outline = Outline(page)
    assert "default-src 'none'" in page
    assert not re.search(r"https?://|url\(|@import", page)
    assert not outline.all("script")
    assert not outline.all("iframe")
    for _, attributes in outline.elements:
        for name in ("src", "href", "srcset", "data"):
            assert (attributes.get(name) or "#").startswith(("#", "data:"))


def test_semantics_and_alternatives(page: str) -> None:
    """A language, one h1, no heading level skipped, alt texts, labelled graphics, unique ids."""
    outline = Outline(page)
    assert outline.all("html")[0]["lang"] == "en"
    assert "width=device-width" in page
    levels = [int(tag[1]) for tag, _ in outline.elements if re.fullmatch("h[1-6]", tag)]
    assert levels.count(1) == 1
    assert all(after <= before + 1 for before, after in pairwise(levels))
    assert outline.all("img")
    assert all(image.get("alt") for image in outline.all("img"))
    graphics = [svg for svg in outline.all("svg") if svg.get("role") == "img"]
    assert graphics
    assert all(svg.get("aria-label") for svg in graphics)
    ids = [a["id"] for _, a in outline.elements if "id" in a]
    assert len(ids) == len(set(ids))
    for _, attributes in outline.elements:
        target = attributes.get("href") or ""
        assert not target.startswith("#") or target[1:] in ids
    for attributes in outline.all("th"):
        assert attributes.get("scope") in ("col", "row")


def test_pairs_come_with_their_full_request(page: str) -> None:
    assert "FlowMatchEulerDiscreteScheduler" in page
    assert "two red circles left of a blue square" in page
    assert "mean change" in page


def test_hostile_text_is_shown_and_never_run(made_up: ReportInput) -> None:
    """Markup in any text from outside comes out as text."""
    verdict = Verdict(
        endpoint=made_up.endpoint.endpoint, model=HOSTILE, incumbent=HOSTILE, verdict="REVIEW",
        decided_by=(), sentence=f"REVIEW: {HOSTILE}", criteria=(), review_reasons=(HOSTILE,),
    )  # fmt: skip
    key = keys(made_up.pairs["tiny-detail"])[0]
    pair = ImagePair("worst", HOSTILE, HOSTILE, 1, key, key, metric="typography.exact",
                     reason=HOSTILE, incumbent_reason=HOSTILE)  # fmt: skip
    standing = dataclasses.replace(made_up.matrix[0], model=HOSTILE)
    earlier = {
        "created": HOSTILE,
        "provenance": {HOSTILE: HOSTILE},
        "verdicts": [{"model": HOSTILE}],
    }
    comparison = made_up.comparisons["tiny-turbo"]
    spoiled = comparison.table.assign(reason=HOSTILE)
    page = render_html(
        dataclasses.replace(
            made_up,
            endpoint=endpoint(description=HOSTILE),
            verdicts=[verdict],
            comparisons={HOSTILE: dataclasses.replace(comparison, table=spoiled)},
            pairs={HOSTILE: [pair]},
            requests={key: {"prompt": HOSTILE, HOSTILE: [HOSTILE]}},
            images={HOSTILE: made_up.images["tiny-turbo"].assign(message=HOSTILE)},
            provenance={HOSTILE: {"x": HOSTILE}},
            matrix=(standing,),
            prices={HOSTILE: made_up.prices["tiny-turbo"]},
            repetitions={HOSTILE: [dict(REPEATED[0], how=HOSTILE, device=HOSTILE)]},
            previous=earlier,
            created=HOSTILE,
        )
    )
    outline = Outline(page)
    assert not outline.all("script")
    assert all("onerror" not in attributes for _, attributes in outline.elements)
    assert all(i["src"].startswith("data:image/") for i in outline.all("img") if i["src"])
    assert page.count("&lt;script&gt;alert") > 15
    assert "49" not in re.findall(r"onerror=alert\(2\)&gt;&amp;amp;(\S{2})", page)


def test_five_thousand_images_stay_below_the_cap(made_up: ReportInput) -> None:
    """The page says how many pairs it left out."""
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), dtype=np.uint8)
    buffer = io.BytesIO()
    Image.fromarray(noise).save(buffer, "PNG")
    pairs = [ImagePair("worst", "generate", f"p{i}", 1, f"c{i}", f"b{i}") for i in range(2500)]
    page = render_html(
        dataclasses.replace(
            made_up,
            pairs={"tiny-turbo": pairs},
            load=lambda key: buffer.getvalue(),
            requests={p.candidate_key: {"prompt": "x" * 20_000} for p in pairs},
        )
    )
    assert 1_000_000 < len(page.encode()) < MAX_BYTES
    assert "more pairs are not shown" in page


def test_a_missing_image_is_shown_as_missing(made_up: ReportInput) -> None:
    def load(key: str) -> bytes:
        if key.startswith("tiny-turbo"):
            raise KeyError(key)
        return b"not an image"

    page = render_html(dataclasses.replace(made_up, load=load))
    assert not Outline(page).all("img")
    assert "no image" in page


def test_a_page_without_anything_optional(made_up: ReportInput) -> None:
    page = render_html(ReportInput(endpoint=made_up.endpoint, verdicts=()))
    assert "No model was judged" in page
    assert Outline(page).open == []


def test_parts_that_do_not_belong_together(made_up: ReportInput) -> None:
    verdict = made_up.verdicts[0]
    with pytest.raises(ReportError, match="two verdicts"):
        ReportInput(endpoint=made_up.endpoint, verdicts=[verdict, verdict])
    other = verdict.model_copy(update={"endpoint": "elsewhere"})
    with pytest.raises(ReportError, match="one endpoint"):
        ReportInput(endpoint=made_up.endpoint, verdicts=[other])


def luminance(color: str) -> float:
    """Relative luminance after WCAG 2."""
    channels = [int(color[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]


def contrast(one: str, two: str) -> float:
    high, low = sorted((luminance(one), luminance(two)), reverse=True)
    return (high + 0.05) / (low + 0.05)


def test_contrasts_reach_wcag_aa(page: str) -> None:
    """Text 4.5:1 and marks 3:1 on every ground, light and dark."""
    schemes = re.findall(r":root \{(.*?)\}", page, re.DOTALL)
    assert len(schemes) == 2
    for scheme in schemes:
        colors = dict(re.findall(r"--([\w-]+): (#[0-9a-f]{6})", scheme))
        for ground in ("ground", "paper"):
            for text in ("ink", "quiet", "good", "bad", "look", "open", "link"):
                assert contrast(colors[text], colors[ground]) >= 4.5, (text, ground)
            for mark in ("s0", "s1", "s2", "s3"):
                assert contrast(colors[mark], colors[ground]) >= 3.0, (mark, ground)
        for badge in ("good", "bad", "look", "open"):
            assert contrast(colors["on"], colors[badge]) >= 4.5, badge
        for text in ("quiet", "good", "bad", "open"):
            assert contrast(colors[text], colors["zone"]) >= 3.0, text
