"""The review page in headless Chromium: blind, quick by keyboard, on a phone, nothing lost."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from imgassets.review.session import Session
from imgassets_tests.browser.review_page import progress, ready, saved, serving
from imgassets_tests.browser.test_report_page import violations
from imgassets_tests.review.conftest import opened, reviewed_once, session  # noqa: F401
from imgassets_tests.review.factories import HOSTILE
from imgassets_tests.review.served import free_port

pytestmark = pytest.mark.browser
WIDE, PHONE = {"width": 1280, "height": 860}, {"width": 390, "height": 844}
TOUCH = {"is_mobile": True, "has_touch": True}
#: A person under four minutes for 40 pairs has this long for each, page and keys included.
BUDGET = 240.0
#: One key press of an average typist, seconds (Card, Moran and Newell, 1980).
KEY = 0.28
Visit = Callable[..., Any]


@pytest.fixture
def address(session: Session) -> Iterator[str]:  # noqa: F811
    with serving(session, free_port()) as found:
        yield found


@pytest.fixture
def visit(chromium: Any, address: str) -> Iterator[Visit]:
    """Opens the page as a person; complaints of the browser are kept in `page.complaints`."""
    contexts = []

    def visited(who: str = "ana", size: dict[str, int] = WIDE, **more: Any) -> Any:
        context = chromium.new_context(viewport=size, **more)
        contexts.append(context)
        page = context.new_page()
        page.complaints = []
        page.on("pageerror", lambda error: page.complaints.append(str(error)))
        page.on("console", lambda said: page.complaints.append(said.text))
        page.asked = []
        page.on("request", lambda request: page.asked.append(request.url))
        page.goto(f"{address}?who={who}" if who else address)
        if who:
            ready(page)
        return page

    yield visited
    for context in contexts:
        context.close()


def press(page: Any, *keys: str) -> None:
    for key in keys:
        page.keyboard.press(key)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("size", [WIDE, PHONE], ids=["wide", "phone"])
def test_axe_finds_nothing(visit: Visit, size: dict[str, int], scheme: str) -> None:
    page = visit("", size, color_scheme=scheme)
    page.wait_for_selector("#start:not([hidden])")
    assert violations(page) == []
    page.fill("#name", "ana")
    page.click("text=Start")
    ready(page)
    press(page, "a", "Shift+A", "Shift+A", "b", "b", "b", "5", "Shift+4")
    for view in ("flicker", "difference", "side"):
        press(page, "v")
        assert page.get_attribute("#stage", "data-view") == view
        if view != "difference":  # axe cannot see through a filter; the words stand outside of it
            assert violations(page) == []
    press(page, "?")
    assert violations(page) == []
    page.keyboard.press("Escape")
    assert page.complaints == []


def test_axe_finds_what_is_planted(visit: Visit) -> None:
    page = visit()
    page.evaluate("document.querySelector('#left').removeAttribute('alt')")
    page.evaluate("document.querySelector('#must b').style.color = '#cccccc'")
    assert {"image-alt", "color-contrast"} <= {text.split(":")[0] for text in violations(page)}


def test_forty_pairs_by_keyboard_leave_a_person_time_to_look(
    visit: Visit,
    session: Session,  # noqa: F811
) -> None:
    """Counts key presses and the time the page takes; the rest of four minutes is for looking."""
    page = visit()
    count = len(session.desk.deck.pairs)
    page.evaluate(
        "addEventListener('keydown', () => { window.presses = (window.presses || 0) + 1 })"
    )
    waited = 0.0
    for number in range(40):
        press(page, "1" if number % 3 else "2")
        begun = time.perf_counter()
        ready(page)
        waited += time.perf_counter() - begun
        assert progress(page) == f"{number + 1} of {count}"
    keys = page.evaluate("window.presses")
    assert keys == 40
    for_looking = (BUDGET - waited - keys * KEY) / 40
    print(f"{keys} key presses, {waited:.1f} s of page time, {for_looking:.1f} s a pair to look")
    assert waited < 0.1 * BUDGET
    assert for_looking > 4.5
    saved(page)
    answers = session.answers.read().answers
    assert [answer.drawn for answer in answers] == [p.drawn for p in session.desk.deck.pairs[:40]]


def test_all_that_can_be_said_is_said_by_keys(visit: Visit, session: Session) -> None:  # noqa: F811
    page = visit()
    pair = session.desk.deck.pairs[0]
    press(page, "y", "Shift+B", "5", "Shift+8", "n")
    page.keyboard.type("1 & a nice one")
    press(page, "Escape", "3")
    saved(page)
    kept = session.answers.read().answers[-1]
    right, left = ("incumbent", "candidate")[:: 1 if pair.left("ana") == "candidate" else -1]
    items = [item.id for item in pair.items]
    assert getattr(kept.correct, left) == dict.fromkeys(items, "yes")
    assert getattr(kept.correct, right) == dict.fromkeys(items, "yes") | {items[1]: "no"}
    assert (getattr(kept.defects, left), getattr(kept.defects, right)) == (("text",), ("other",))
    assert (kept.note, kept.preference) == ("1 & a nice one", right)
    assert kept.seconds > 0


def test_an_answer_is_changed_and_a_pair_skipped_by_keys(
    visit: Visit,
    session: Session,  # noqa: F811
) -> None:
    page = visit()
    count = len(session.desk.deck.pairs)
    press(page, "1", "s", "2", "u", "u", "u")
    assert page.get_attribute("[data-choice=left]", "aria-pressed") == "true"
    press(page, "3")
    assert progress(page) == f"2 of {count}"
    saved(page)
    first = [a for a in session.answers.read().answers if a.pair == _keys(session, 0)]
    assert [a.revision_of for a in first] == [None, first[0].id]
    assert page.inner_text("#prompt") == session.desk.deck.pairs[1].prompt


def test_letters_are_text_in_a_note_and_keys_can_be_off(visit: Visit) -> None:
    page = visit()
    press(page, "n")
    page.keyboard.type("123 suv")
    assert progress(page).startswith("0 of")
    press(page, "Escape", "?")
    page.uncheck("#keys-on")
    page.click("dialog button")
    press(page, "1")
    assert progress(page).startswith("0 of")
    page.click("[data-choice=left]")
    assert progress(page).startswith("1 of")


def test_everything_is_reached_by_tab_with_an_outline(visit: Visit) -> None:
    page = visit()
    stops = set()
    for _ in range(60):
        press(page, "Tab")
        tag, name, outline = page.evaluate(
            "(() => { const e = document.activeElement, s = getComputedStyle(e).outlineStyle;"
            " return [e.tagName, e.getAttribute('aria-label') || e.id || e.innerText, s] })()"
        )
        if tag not in ("BODY", "H1"):
            assert outline != "none", name
        stops.add(name)
    wanted = page.evaluate(
        "[...document.querySelectorAll('button, textarea')].filter(e => e.checkVisibility())"
        ".map(e => e.getAttribute('aria-label') || e.id || e.innerText)"
    )
    assert set(wanted) <= stops


def test_views_and_zoom_move_both_images_together(visit: Visit) -> None:
    page = visit()
    for key in ("z", "ArrowRight", "ArrowDown"):
        press(page, key)
    moved = page.evaluate(
        "['left', 'right'].map(id => getComputedStyle(document.getElementById(id)).transform)"
    )
    assert moved[0] == moved[1] != "none"
    assert page.inner_text("#scale") == "2"
    press(page, "0", "v")
    shows = (
        "[...document.querySelectorAll('.frame')].map(f => f.id)"
        ".filter(id => getComputedStyle(document.getElementById(id)).visibility === 'visible')"
    )
    assert page.evaluate(shows) == ["frame-left"]
    press(page, "Space")
    assert page.evaluate(shows) == ["frame-right"]
    page.click("#stage")
    assert page.evaluate(shows) == ["frame-left"]
    press(page, "v")
    assert page.evaluate(
        "getComputedStyle(document.getElementById('frame-right')).mixBlendMode"
    ) == ("difference")


def test_hostile_prompts_and_notes_stay_text(visit: Visit, session: Session) -> None:  # noqa: F811
    page = visit()
    pairs = session.desk.deck.pairs
    at = next((i for i, pair in enumerate(pairs) if pair.prompt == HOSTILE), None)
    assert at is not None
    press(page, *["s"] * at, "n")
    page.keyboard.type(HOSTILE)
    press(page, "Escape", "1", "u")
    assert page.inner_text("#prompt") == HOSTILE
    assert page.input_value("#note") == HOSTILE
    page.reload()
    ready(page)
    assert page.title() == "Review of cards"
    assert page.evaluate("document.querySelectorAll('#prompt *').length") == 0
    assert page.complaints == []


def test_nothing_on_the_page_names_a_model_and_nothing_is_fetched_elsewhere(
    visit: Visit, address: str
) -> None:
    page = visit()
    press(page, "1", "v", "1", "v", "2")
    ready(page)
    told = page.content() + "".join(page.asked) + page.evaluate("JSON.stringify(localStorage)")
    assert re.findall(r"\b(fast|prod|candidate|incumbent)\b", told) == []
    assert [url for url in page.asked if not url.startswith((address, "data:"))] == []


def _keys(session: Session, index: int) -> tuple[str, str | None]:  # noqa: F811
    pair = session.desk.deck.pairs[index]
    return pair.candidate_key, pair.incumbent_key
