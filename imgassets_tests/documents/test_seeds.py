"""Seeds up to 2**64 - 1: which give the same noise, who takes them, and tables that keep them."""

from __future__ import annotations

import shutil
from pathlib import Path

import pandas as pd
import pytest
import torch

from imgassets.documents.project import load_project
from imgassets.documents.seeds import MOST, column_type, noise_of, twins
from imgassets.refresh.extra_seeds import _further
from imgassets.requests import Request, build_requests, request_table, stacked
from imgassets_tests.conftest import edit_file

ENDPOINT = "contracts/endpoints/cards.yaml"
LARGE = [5, 2**31, 2**32 + 7, 2**53 + 1, 2**63 - 2, 2**63 + 8, MOST]


def problems(root: Path) -> str:
    return "\n".join(str(p) for p in load_project(root).problems)


def test_torch_takes_the_last_bits_alone() -> None:
    """What `noise_of` says of torch's generator is so."""

    def noise(seed: int) -> torch.Tensor:
        return torch.randn(8, generator=torch.Generator("cpu").manual_seed(seed))

    for seed in LARGE:
        assert torch.equal(noise(seed), noise(noise_of(seed)))
    assert not torch.equal(noise(5), noise(6))


@pytest.mark.parametrize(
    ("seeds", "found"),
    [
        ((1, 2), None),
        ((1, 2**32 + 1), (1, 2**32 + 1)),
        ((MOST, 3, 2**32 - 1), (MOST, 2**32 - 1)),
        ((0, 2**63), (0, 2**63)),
        (tuple(LARGE), None),
    ],
)
def test_seeds_of_the_same_noise(seeds: tuple[int, ...], found: tuple[int, int] | None) -> None:
    assert twins(seeds) == found


@pytest.mark.parametrize(
    ("seeds", "message"),
    [
        ("[1, 4294967297]", "seeds 1 and 4294967297 give the same noise"),
        ("[18446744073709551616]", "less than or equal to 18446744073709551615"),
        ("[-1]", "greater than or equal to 0"),
        (str(LARGE), ""),
    ],
)
def test_what_a_contract_may_name(seeds: str, message: str, project_root: Path) -> None:
    edit_file(project_root / ENDPOINT, "seeds: [5, 6]", f"seeds: {seeds}")
    found = problems(project_root)
    assert message in found
    assert bool(found) == bool(message)


def test_hosted_models_keep_their_own_limit(project_root: Path) -> None:
    example = Path(__file__).parents[2] / "contracts/models/examples/ideogram-v2-turbo.yaml"
    shutil.copy(example, project_root / "contracts/models")
    edit_file(project_root / ENDPOINT, "candidates: [fast]", "candidates: [ideogram-v2-turbo]")
    edit_file(project_root / ENDPOINT, "seeds: [5, 6]", "seeds: [5, 2147483647]")
    assert "takes seeds" not in problems(project_root)
    edit_file(project_root / ENDPOINT, "2147483647", "2147483648")
    assert (
        "sampling.seeds[1]: model ideogram-v2-turbo takes seeds up to 2147483647, not "
        "2147483648" in problems(project_root)
    )


def test_a_table_of_requests_gives_them_back(project_root: Path, tmp_path: Path) -> None:
    """Through Parquet, every seed as it was."""
    edit_file(project_root / ENDPOINT, "seeds: [5, 6]", f"seeds: {LARGE}")
    requests = build_requests(load_project(project_root), "cards", "fast", "cpu")
    request_table(requests).to_parquet(tmp_path / "requests.parquet")
    table = pd.read_parquet(tmp_path / "requests.parquet")
    assert Request.from_table(table) == requests
    assert sorted(set(table["seed"].tolist())) == sorted(LARGE)


def test_small_seeds_stay_what_they_were_in_tables() -> None:
    assert column_type([1, 2**63 - 1]) == "int64"
    assert column_type([1, 2**63]) == "uint64"
    assert column_type([]) == "int64"


def test_tables_of_both_kinds_keep_every_seed() -> None:
    """pandas alone would make floats of them."""
    small, large = pd.DataFrame({"seed": [1, 2]}), pd.DataFrame({"seed": [MOST, 2**53 + 1]})
    assert stacked([small, large])["seed"].tolist() == [1, 2, MOST, 2**53 + 1]
    assert stacked([small, small])["seed"].dtype == "int64"
    assert pd.concat([small, large])["seed"].dtype == "float64"  # why `stacked` is there


def test_more_seeds_are_other_noise() -> None:
    """Added seeds repeat none, wrap at the end, and stay small where all are small."""
    assert _further([5, 6], 2) == [7, 8]
    assert _further([2**31 - 1], 1) == [0]
    assert _further([2**32, 1], 2) == [2**32 + 2, 2**32 + 3]
    assert _further([MOST, 0], 1) == [1]
