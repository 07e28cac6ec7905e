"""A prompt set as a YAML document, with proposals as comments that a person takes away or mends."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml

from imgassets.documents.project import read_document
from imgassets.documents.prompts import Expectation, Prompt, PromptSet

#: How a proposal is marked: as a comment it says nothing.
MARK = "    # expect: "
_HOW = """\
# Lines `# expect:` are proposed by rule, from the words of the prompt. Read each: where it is
# right, take its `# ` away; else mend or delete it. A prompt without `expect` still serves metrics
# of cost, look, artefacts and reproducibility.
"""


def text_of(prompts: PromptSet, source: str, proposed: Mapping[str, Expectation]) -> str:
    """The document.

    Args:
        prompts: to be written.
        source: where they come from, for the first line.
        proposed: expectations that stand as comments, by prompt id.
    """
    lines = [f"# From {' '.join(source.split())}.\n", _HOW if proposed else ""]
    lines.append(f"prompt_set: {_value(prompts.prompt_set)}\nprompts:\n")
    for prompt in prompts.prompts:
        lines.append(_entry(prompt))
        if prompt.id in proposed:
            lines.append(f"{MARK}{_value(_plain(proposed[prompt.id]))}\n")
    return "".join(lines)


def write_prompt_set(path: Path, prompts: PromptSet, text: str) -> None:
    """Write a document that reads back as the same prompts; never over a file that is there.

    Raises:
        FileExistsError: something of that name is there.
        InvalidDocumentsError: what is written cannot be read, such as a document that is too large.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("x", encoding="utf-8") as file:
        file.write(text)
    try:
        if read_document(path, PromptSet).prompts != prompts.prompts:
            raise RuntimeError(f"{path} does not read back as it was written; nothing is kept")
    except BaseException:
        path.unlink()
        raise


def _entry(prompt: Prompt) -> str:
    lines = [f"  - id: {_value(prompt.id)}\n", f"    prompt: {_value(prompt.prompt)}\n"]
    if prompt.tags:
        lines.append(f"    tags: {_value(list(prompt.tags))}\n")
    if prompt.expect != Expectation():
        lines.append(f"    expect: {_value(_plain(prompt.expect))}\n")
    return "".join(lines)


def _plain(expect: Expectation) -> Any:
    return expect.model_dump(mode="json", by_alias=True, exclude_defaults=True)


def _value(value: Any) -> str:
    """A value on one line, as YAML reads it back."""
    text = yaml.safe_dump(
        value, default_flow_style=True, allow_unicode=True, sort_keys=False, width=2**30
    )
    return str(text).removesuffix("\n").removesuffix("\n...").strip()
