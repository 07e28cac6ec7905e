"""The review page goes on: after a reload, with the server away; on a phone, and for two."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from imgassets.review.desk import Desk
from imgassets.review.session import Session
from imgassets_tests.browser.review_page import progress, ready, saved, serving
from imgassets_tests.browser.test_review_page import (
    PHONE,
    TOUCH,
    Visit,
    address,  # noqa: F401
    press,
    visit,  # noqa: F401
)
from imgassets_tests.review.conftest import opened, reviewed_once, session  # noqa: F401
from imgassets_tests.review.served import free_port

pytestmark = pytest.mark.browser


def test_a_reload_goes_on_where_it_stopped(visit: Visit, session: Session) -> None:  # noqa: F811
    page = visit()
    count = len(session.desk.deck.pairs)
    press(page, "1", "2", "3")
    saved(page)
    page.reload()
    ready(page)
    assert progress(page) == f"3 of {count}"
    assert page.inner_text("#prompt") == session.desk.deck.pairs[3].prompt
    press(page, "u")
    assert page.get_attribute("[data-choice=right]", "aria-pressed") == "true"


def test_answers_wait_while_the_server_is_away(chromium: Any, session: Session) -> None:  # noqa: F811
    port = free_port()
    page = chromium.new_context().new_page()
    with serving(session, port) as where:
        page.goto(f"{where}?who=ana")
        ready(page)
        press(page, "1")
        saved(page)
    press(page, "2", "3")
    saved(page, "2 answers not")
    saved(page, "2 answers not saved yet: the server does not answer; trying again")
    assert len(session.answers.read().answers) == 1
    with serving(session, port):
        saved(page)
        assert [a.preference for a in session.answers.read().answers][1] == "equal"
        assert len(session.answers.read().answers) == 3
        page.reload()
        ready(page)
        assert progress(page).startswith("3 of")
    page.context.close()


def test_a_page_that_was_closed_sends_what_was_left(chromium: Any, session: Session) -> None:  # noqa: F811
    port = free_port()
    context = chromium.new_context()
    page = context.new_page()
    with serving(session, port) as where:
        page.goto(f"{where}?who=ana")
        ready(page)
    press(page, "1")
    saved(page, "1 answer not")
    page.close()
    with serving(session, port) as where:
        page = context.new_page()
        page.goto(where)  # the name is known in this browser
        ready(page)
        saved(page)
        assert progress(page).startswith("1 of")
    assert len(session.answers.read().answers) == 1
    context.close()


def test_two_people_answer_at_once_and_keep_their_opinions(
    visit: Visit,  # noqa: F811
    session: Session,  # noqa: F811
) -> None:
    ana, ben = visit("ana"), visit("ben")
    for _ in range(5):
        press(ana, "1")
        press(ben, "2")
    saved(ana)
    saved(ben)
    counted = session.answers.read().counted
    assert len(counted) == 10
    assert {a.preference for a in counted if a.who == "ben"} == {"equal"}
    assert "equal" not in {a.preference for a in counted if a.who == "ana"}
    assert progress(ana).startswith("5 of")


def test_the_end_names_skipped_pairs_and_what_comes_next(
    visit: Visit,  # noqa: F811
    session: Session,  # noqa: F811
) -> None:
    page = visit()
    count = len(session.desk.deck.pairs)
    press(page, "s", *["1"] * (count - 1))
    assert page.inner_text("#done-title") == f"1 of {count} pairs are left"
    page.click("text=Show skipped pairs")
    ready(page)
    press(page, "2")
    assert page.inner_text("#done-title") == "All pairs are answered"
    saved(page)
    assert len(session.answers.read().counted) == count


def test_a_phone_reviews_by_touch_and_nothing_is_cut_off(
    visit: Visit,  # noqa: F811
    session: Session,  # noqa: F811
) -> None:
    page = visit("ana", PHONE, **TOUCH)
    for view in ("Flicker", "Difference", "Both"):
        page.tap(f"text={view}")
        assert page.evaluate("document.documentElement.scrollWidth") <= PHONE["width"]
        inside = page.evaluate(
            "[...document.querySelectorAll('.choose button:not([hidden])')]"
            ".map(b => b.getBoundingClientRect())"
            ".every(r => r.height >= 44 && r.bottom <= innerHeight)"
        )
        assert inside
    page.tap("text=Flicker")
    page.tap("#stage")
    assert page.get_attribute("#stage", "data-shows") == "right"
    page.tap("#said-left button >> nth=0")
    page.tap("#said-left .defect >> nth=1")
    page.tap("[data-choice=equal]")
    saved(page)
    kept = session.answers.read().answers[0]
    assert kept.preference == "equal"
    assert {*kept.defects.candidate, *kept.defects.incumbent} == {"text"}
    small = page.evaluate(
        "[...document.querySelectorAll('button')].filter(b => b.checkVisibility())"
        ".filter(b => b.getBoundingClientRect().height < 24).length"
    )
    assert small == 0


@pytest.mark.parametrize("width", [1280, 768, 390, 320])
def test_nothing_runs_over_the_edge(visit: Visit, width: int) -> None:  # noqa: F811
    page = visit("a name without end" * 3, {"width": width, "height": 800})
    assert page.evaluate("document.documentElement.scrollWidth") <= width
    press(page, "?")
    assert page.evaluate("document.documentElement.scrollWidth") <= width


def test_an_image_that_is_gone_is_told(visit: Visit, session: Session) -> None:  # noqa: F811
    page = visit()
    page.evaluate("document.getElementById('left').src = 'image/0000000000000000/left?who=ana'")
    page.wait_for_selector("#frame-left.gone")


def test_an_image_alone_is_saved_with_what_it_shows(
    chromium: Any,
    session: Session,  # noqa: F811
) -> None:
    """Production itself, or a request that the incumbent has no image of."""
    deck = session.desk.deck
    alone = tuple(replace(pair, incumbent_key=None) for pair in deck.pairs[:2])
    load = session.desk.load
    desk = Desk(replace(deck, pairs=alone, incumbent=None), session.answers, load)
    with serving(replace(session, desk=desk), free_port()) as where:
        page = chromium.new_context().new_page()
        page.goto(f"{where}?who=ana")
        ready(page)
        press(page, "a", "Shift+A", "3", "v", "1")
        assert progress(page) == "1 of 2"
        saved(page)
        page.context.close()
    kept = session.answers.read().answers[0]
    assert (kept.preference, kept.incumbent, kept.left) == (None, None, "candidate")
    assert list(kept.correct.candidate.values()) == ["yes"]
    assert kept.correct.incumbent == {}
