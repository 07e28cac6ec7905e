"""Weights that share parts load as if all lay in one folder, where links can be made or not."""

from __future__ import annotations

from pathlib import Path

import pytest

from imgassets.backends.whole_folder import whole_folder
from imgassets.documents.weights import components, folder_fingerprint, weights_folder

TURBO = weights_folder(Path(), "package:tiny-turbo")


@pytest.mark.parametrize("links", [True, False])
def test_all_parts_are_there_for_a_while(links: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def refused(*_: object, **__: object) -> None:
        raise OSError("a required privilege is not held by the client")

    if not links:  # as on Windows
        monkeypatch.setattr(Path, "symlink_to", refused)
    with whole_folder(TURBO) as whole:
        assert whole != TURBO
        wanted = {name for name, present in components(TURBO).items() if present}
        assert {path.name for path in whole.iterdir() if path.is_dir()} == wanted
        assert not (whole / "shared_parts.json").exists()
        assert folder_fingerprint(whole) == folder_fingerprint(TURBO)
    assert not whole.exists()
    assert (TURBO / "shared_parts.json").is_file()


def test_a_folder_that_shares_nothing_is_itself() -> None:
    folder = weights_folder(Path(), "package:tiny-base")
    with whole_folder(folder) as whole:
        assert whole == folder
