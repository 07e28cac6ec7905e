"""Every bad input ends as it must: in one list, with its reason, without a trace of it outside."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from collections import Counter
from pathlib import Path

import pytest
from PIL import Image

from imgassets.images.intake import ANY_SOURCE
from imgassets.images.take_in import normalize_files
from imgassets_tests.images.corpus import CORPUS, Case

#: Kinds of which some are refused and some accepted.
_BOTH = {"hostile metadata", "kinds of pixels", "several images"}


def test_the_corpus_is_large_and_has_no_case_twice() -> None:
    assert len(CORPUS) >= 60
    assert max(Counter((c.kind, c.name) for c in CORPUS).values()) == 1
    assert {c.kind for c in CORPUS if c.reason} & {c.kind for c in CORPUS if not c.reason} >= _BOTH


@pytest.mark.parametrize("case", CORPUS, ids=lambda c: f"{c.kind}: {c.name}")
def test_each_input_ends_as_it_must(case: Case, tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    path = case.make(tmp_path / "in")
    before = sorted((tmp_path / "in").iterdir())
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Pillow's notices, as the command silences them
        taken = normalize_files([path], tmp_path / "out", ANY_SOURCE)
    written = list((tmp_path / "out").iterdir())
    assert sorted((tmp_path / "in").iterdir()) == before
    if case.reason:
        assert taken.accepted == ()
        (refused,) = taken.refused
        assert refused.input == path
        assert_reason(refused.reason, case.reason)
        assert written == []
    else:
        assert taken.refused == ()
        (accepted,) = taken.accepted
        assert (accepted.input, accepted.done) == (path, case.done)
        assert written == [Path(accepted.output)]
        assert written[0].name == case.output
        assert_plain(written[0])


def assert_reason(reason: str, expected: str) -> None:
    """The reason as the case has it, and printable."""
    if expected.endswith("..."):
        assert reason.startswith(expected[:-3])
    else:
        assert reason == expected
    assert reason.isprintable()


def assert_plain(path: Path) -> None:
    """RGB PNG, whole, of nothing but the three chunks a PNG must have."""
    data = path.read_bytes()
    kinds, position = [], 8
    while position < len(data):
        length = int.from_bytes(data[position : position + 4])
        kinds.append(data[position + 4 : position + 8])
        position += 12 + length
    assert set(kinds) == {b"IHDR", b"IDAT", b"IEND"}
    with Image.open(path) as image:
        image.load()
        assert (image.format, image.mode, image.info) == ("PNG", "RGB", {})


def test_all_at_once_by_the_command(tmp_path: Path) -> None:
    """One process takes all of them from standard input: none is lost, none stops the others."""
    paths = []
    for number, case in enumerate(CORPUS):
        folder = tmp_path / str(number)
        folder.mkdir()
        paths.append(case.make(folder))
    # One path a line: those with a line break in them, and the empty one, have no line.
    lines = [p for p in paths if p and "\n" not in p]
    expected = {p: c for p, c in zip(paths, CORPUS, strict=True) if p in lines}
    ran = subprocess.run(
        [sys.executable, "-m", "imgassets.cli.main", "normalize", "-", "--json", "--out",
         str(tmp_path / "out")],
        input="\n".join(lines).encode("utf-8", "surrogateescape"),
        capture_output=True,
        check=False,
    )  # fmt: skip
    assert (ran.returncode, ran.stderr) == (1, b"")
    found = json.loads(ran.stdout)
    assert set(found) == {"accepted", "refused"}
    accepted = [item["input"] for item in found["accepted"]]
    refused = [item["input"] for item in found["refused"]]
    assert sorted(accepted + refused) == sorted(lines)
    assert accepted == [p for p in lines if not expected[p].reason]
    assert refused == [p for p in lines if expected[p].reason]
    outputs = [item["output"] for item in found["accepted"]]
    assert len(set(outputs)) == len(outputs)
    assert sorted(map(str, (tmp_path / "out").iterdir())) == sorted(outputs)
