"""The project that `imgassets compare` writes: two folders of images, one contract to edit."""

from __future__ import annotations

import re
from collections import Counter
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from imgassets.documents.image_folder import ImageFolder, read_image_folder
from imgassets.documents.prompts import Prompt, PromptSet
from imgassets.documents.yamlfile import read_yaml
from imgassets.flows import FIRST
from imgassets.images.errors import RefusedError
from imgassets.images.intake import open_image, read_file
from imgassets.judges.detector_classes import SHAPES
from imgassets.storage.whole_file import write_whole

ENDPOINT, PROMPTS = "compare", "compared"
CONTRACT = Path("contracts", "endpoints", f"{ENDPOINT}.yaml")
#: What a contract may bring along; the rest follows from the two folders.
_OF_CONTRACTS = (
    "description", "criteria", "failure_modes", "failures", "budget", "review", "decision",
    "judges",
)  # fmt: skip
#: What must hold by default: (what prompts must expect, metric, margin, severity, why).
_CRITERIA = (
    ("include", "composition.correct", 0.10, "gating", "objects, counts, colors, places"),
    ("text", "typography.exact", 0.10, "gating", "text is read exactly as asked"),
    ("faces", "faces.count", 0.10, "gating", "as many faces as asked for"),
    (None, "artefacts.clean", 0.10, "gating", "not blank, broken or wrongly encoded"),
    (None, "artefacts.blockiness", 0.05, "review", "JPEG's 8 px grid"),
    (None, "artefacts.checkerboard", 0.25, "review", "a pattern from pixel to pixel"),
)


@dataclass(frozen=True)
class Compared:
    """What two folders have in common.

    Attributes:
        names: of incumbent and candidate.
        folders: their images.
        prompts: those that one of the folders has an image of.
        left_out: prompts that neither has an image of.
        seeds: those that both have.
        sizes: most frequent width and height in pixels, of incumbent and candidate.
        by_number: how numbered folders were matched with prompts, in words; empty where folders
            are called as prompts.
    """

    names: tuple[str, str]
    folders: tuple[ImageFolder, ImageFolder]
    prompts: tuple[Prompt, ...]
    left_out: int
    seeds: tuple[int, ...]
    sizes: tuple[tuple[int, int], tuple[int, int]]
    by_number: str = ""


def compared(prompts: PromptSet, incumbent: Path, candidate: Path) -> Compared:
    """Look at two folders of images.

    Raises:
        FileNotFoundError: no such folder, or no image in it that is of one of the prompts.
        InvalidDocumentsError: a manifest cannot be used.
        ValueError: they have no seed in common, or images of different shapes.
    """
    folders = (_folder(incumbent), _folder(candidate))
    ids = {place.prompt_id for folder in folders for place in folder.entries}
    asked = tuple(prompt for prompt in prompts.prompts if prompt.id in ids)
    by_number = ""
    if not asked and (asked := _numbered(prompts.prompts, ids)):
        by_number = (
            f"folders are numbered, so they are taken for the prompts in order: {asked[0].id} is "
            f"{asked[0].prompt!r}, {asked[-1].id} is {asked[-1].prompt!r}"
        )
    if not asked:
        here = ", ".join(sorted(ids)[:3])
        wanted = ", ".join(prompt.id for prompt in prompts.prompts[:3])
        raise FileNotFoundError(
            f"no image in {incumbent} or {candidate} is of a prompt of {prompts.prompt_set}: "
            f"images are of {here}; prompts are {wanted}, ...; name the folders by prompt ids, or "
            f"number them from 0 or 1, one for each of the {len(prompts.prompts)} prompts"
        )
    first, second = ({place.seed for place in folder.entries} for folder in folders)
    if not first & second:
        raise ValueError(
            f"no seed in common: {incumbent} has {_some(first)}, {candidate} has {_some(second)}; "
            "images are compared by prompt and seed, so number the files alike"
        )
    sizes = (_size(folders[0]), _size(folders[1]))
    if sizes[0][0] * sizes[1][1] != sizes[0][1] * sizes[1][0]:
        one, other = (f"{width}x{height}" for width, height in sizes)
        raise ValueError(f"{incumbent} has images of {one}, {candidate} of {other}: other shapes")
    return Compared(
        _names(incumbent, candidate),
        folders,
        asked,
        len(prompts.prompts) - len(asked),
        tuple(sorted(first & second)),
        sizes,
        by_number,
    )


def _numbered(prompts: tuple[Prompt, ...], ids: set[str]) -> tuple[Prompt, ...]:
    """The prompts called as numbered folders are; none where numbers and prompts do not fit.

    Folders are numbered from 0 or from 1, one a prompt: with one less nobody knows where to begin.
    """
    if not all(id_.isdecimal() for id_ in ids) or len(ids) != len(prompts):
        return ()
    names = sorted(ids, key=int)
    first = int(names[0])
    if first > 1 or [int(name) for name in names] != list(range(first, first + len(names))):
        return ()
    return tuple(
        prompt.model_copy(update={"id": name}) for prompt, name in zip(prompts, names, strict=True)
    )


def _folder(path: Path) -> ImageFolder:
    if not path.is_dir():
        raise FileNotFoundError(f"{path} is not a folder")
    found = read_image_folder(path.resolve())
    if not found.entries:
        raise FileNotFoundError(
            f"no image in {path}; expected PROMPT_ID/SEED.png, 00000/samples/0000.png, or a "
            "manifest.csv with the columns file, prompt_id and seed"
        )
    return found


def _some(seeds: set[int]) -> str:
    shown = sorted(seeds)[:4]
    return ", ".join(map(str, shown)) + (", ..." if len(seeds) > len(shown) else "")


def _size(folder: ImageFolder) -> tuple[int, int]:
    """The most frequent size, by the files' headers."""
    sizes: Counter[tuple[int, int]] = Counter()
    for entry in folder.entries.values():
        try:
            sizes[open_image(read_file(folder.root / entry.file)).image.size] += 1
        except RefusedError:
            continue  # becomes a failure of its own
    if not sizes:
        raise FileNotFoundError(f"no file in {folder.root} is an image that can be read")
    return sizes.most_common(1)[0][0]


def _names(incumbent: Path, candidate: Path) -> tuple[str, str]:
    def named(path: Path) -> str:
        return re.sub(r"[^a-z0-9]+", "-", path.resolve().name.lower()).strip("-")[:60]

    names = (named(incumbent), named(candidate))
    return names if names[0] != names[1] and all(names) else ("incumbent", "candidate")


# ---- documents -----------------------------------------------------------------------------


def write_project(root: Path, found: Compared, contract: Path | None) -> bool:
    """Write the documents of a comparison; a contract that is there stays, and so do its edits.

    A contract is given once: to replace one that is there, it has to be removed first.

    Args:
        root: the project's folder.
        found: what the folders have in common.
        contract: whose criteria to take instead of the default ones.

    Returns:
        Whether the contract that was there was kept.

    Raises:
        ValueError: the project compares other models, or is held to another contract.
    """
    kept = (root / CONTRACT).is_file()
    given = None if contract is None else read_yaml(contract).data
    if kept:
        _refuse_others(root, found, contract, given)
    else:
        write_whole(root / CONTRACT, _contract_text(found, given))
    for name, folder, size in zip(found.names, found.folders, found.sizes, strict=True):
        path = root / "contracts" / "models" / f"{name}.yaml"
        if not kept or not path.is_file():
            write_whole(path, _model_text(name, folder.root, size))
    prompts = PromptSet(prompt_set=PROMPTS, prompts=found.prompts)
    told = "# Written by `imgassets compare` from the file it was given; edit that one.\n"
    write_whole(root / "prompts" / f"{PROMPTS}.yaml", told + _dumped(prompts))
    return kept


def _refuse_others(root: Path, found: Compared, contract: Path | None, given: Any) -> None:
    data = read_yaml(root / CONTRACT).data
    models = [data.get("incumbent"), *(data.get("candidates") or [])] if data else []
    if not isinstance(data, dict) or not set(found.names) <= set(map(str, models)):
        raise ValueError(
            f"{root / CONTRACT} compares {', '.join(map(str, models))}, not "
            f"{' and '.join(found.names)}; give another --out"
        )
    if contract is not None and _rules(given) != _rules(data):
        raise ValueError(
            f"{root / CONTRACT} is there and differs from {contract}, which would replace it and "
            f"its edits; leave out --contract to hold them to the one that is there, give another "
            f"--out, or remove {root / CONTRACT}"
        )


def _rules(data: Any) -> dict[str, Any]:
    return (
        {key: data[key] for key in _OF_CONTRACTS if key in data} if isinstance(data, dict) else {}
    )


def _dumped(prompts: PromptSet) -> str:
    data = prompts.model_dump(mode="json", by_alias=True, exclude_defaults=True)
    return yaml.safe_dump(data, sort_keys=False, allow_unicode=True, width=100)


def _model_text(name: str, folder: Path, size: tuple[int, int]) -> str:
    return f"""\
# Images that were made elsewhere.
model: {name}
backend: folder
images: {yaml.safe_dump(str(folder)).splitlines()[0]}
size: {list(size)}
# What an image costs is not known; write it here, or as `usd` in the folder's manifest.
price: {{usd_per_image: 0, source: not told, as_of: 1970-01-01}}
"""


def _contract_text(found: Compared, given: Any) -> str:
    width, height = found.sizes[0]
    longest = max(len(prompt.prompt) for prompt in found.prompts)
    head = f"""\
# Written by `imgassets compare`. Edit what must hold, then run the same command again: images and
# scores are kept, only the verdict is made anew.
endpoint: {ENDPOINT}
accepts: {{max_prompt_chars: {max(100, longest)}, sizes: [[{width}, {height}]]}}
returns: {{size: [{width}, {height}], mode: RGB}}
flows: [{FIRST}]
sampling: {{seeds: {list(found.seeds)}}}
prompt_sets: [{PROMPTS}]
incumbent: {found.names[0]}
candidates: [{found.names[1]}]
"""
    if isinstance(given, dict):
        return head + yaml.safe_dump(_rules(given), sort_keys=False, allow_unicode=True, width=100)
    return head + _default_rules(found)


def _default_rules(found: Compared) -> str:
    expected = {
        name
        for prompt in found.prompts
        for name in ("include", "text", "faces")
        if getattr(prompt.expect, name) not in (None, ())
    }
    lines = ["# No worse than the incumbent by more than the margin; `floor` and `ceiling` are",
             "# absolute. `severity: review` sends to a person instead of stopping.",
             "criteria:"]  # fmt: skip
    for needs, metric, margin, severity, why in _CRITERIA:
        if needs is None or needs in expected:
            told = "" if severity == "gating" else f", severity: {severity}"
            lines.append(f"  - {{metric: {metric}, margin: {margin:g}{told}}}  # {why}")
    lines += ["# Highest share of images that may be missing, unreadable or of another size.",
              "failures: {total: 0.10}",
              f"judges: {{composition: {_judge(found.prompts)}}}",
              "decision: {alpha: 0.05}"]  # fmt: skip
    return "\n".join(lines) + "\n"


def _judge(prompts: tuple[Prompt, ...]) -> str:
    """Flat shapes have a judge that is nearly always right; all else is taken for photographs."""
    classes = {item.class_ for prompt in prompts for item in prompt.expect.include}
    return "shapes" if classes <= set(SHAPES) else "coco-small"
