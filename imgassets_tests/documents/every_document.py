"""Documents that together write every field there is, for tests of facets and image keys."""

from __future__ import annotations

import base64
import json
import shutil
from pathlib import Path
from typing import Any

import yaml

from imgassets_tests.backends.comfyui_models import COMFYUI
from imgassets_tests.conftest import MODEL, PROMPTS, add_chain, write_project
from imgassets_tests.documents.test_hosted_documents import GEMINI, IDEOGRAM, OPENAI
from imgassets_tests.fakes.comfyui_api import EDIT_WORKFLOW, WORKFLOW

SHIPPED = Path(__file__).parents[2]
#: A red PNG of one pixel, byte for byte: its hash is part of keys.
MARK = (
    "iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR4nGP4"
    "z8DQAAAEgQGALFXOsAAAAABJRU5ErkJggg=="
)
COMMIT = "0123456789abcdef0123456789abcdef01234567"
PRICE = {"usd_per_hour": 0.34, "source": "a test", "as_of": "2026-11-24"}
REPAINTS = {"steps": 2, "guidance_scale": 1.0, "strength": 0.5}
LOADING = {
    "variant": "fp16",
    "quantization": {
        "backend": "torchao",
        "components": ["transformer"],
        "settings": {"quant_type": "int8wo"},
    },
    "offload": "model",
    "vae_tiling": True,
    "vae_slicing": True,
    "attention": "math",
    "compile": {
        "components": ["vae"],
        "backend": "eager",
        "mode": "max-autotune",
        "fullgraph": True,
        "dynamic": True,
    },
}
UPSCALERS: dict[str, dict[str, Any]] = {
    "lanczos": {"kind": "lanczos", "scale": 2},
    "compact": {"kind": "compact", "scale": 2, "weights": "package:tiny-x2"},
    "compact-tiled": {
        "kind": "compact",
        "scale": 2,
        "weights": "package:tiny-x2",
        "tiles": {"size": 64, "overlap": 16},
    },
    "sd-upscale": {
        "kind": "sd-upscale",
        "scale": 2,
        **REPAINTS,
        "tiles": {"size": 64, "overlap": 16},
    },
    "diffusers-x4": {
        "kind": "diffusers-x4",
        "scale": 4,
        "weights": "hub:acme/x4",
        "revision": COMMIT,
        "dtype": "float16",
        "loading": LOADING,
        "steps": 5,
        "guidance_scale": 1.0,
        "noise_level": 20,
    },
    "diffusers-latent-x2": {
        "kind": "diffusers-latent-x2",
        "scale": 2,
        "weights": "hub:acme/latent",
        "revision": COMMIT,
        "steps": 5,
        "guidance_scale": 1.0,
    },
}


#: Upscalers of any backend.
_OURS = ("lanczos", "compact", "diffusers-x4", "diffusers-latent-x2")


def local_models() -> dict[str, dict[str, Any]]:
    """Documents of backend diffusers: plain ones, and one with every option."""
    plain = yaml.safe_load(MODEL.format(name="plain", weights="tiny-base", shift=2.0, steps=4))
    plain |= {"stylize": REPAINTS}
    upscaling = {f"up-{name}": plain | {"upscaler": given} for name, given in UPSCALERS.items()}
    full: dict[str, Any] = {
        "description": "everything written out",
        "weights": "hub:acme/shoes",
        "revision": COMMIT,
        "dtype": "bfloat16",
        "loading": LOADING,
        "scheduler": {"class": "DDPMScheduler", "settings": {"steps_offset": 1}},
        "sampling": {
            "steps": 4,
            "guidance_scale": 1.5,
            "max_sequence_length": 77,
            "arguments": {"clip_skip": 1},
        },
        "edit": {"pipeline": "StableDiffusion3InpaintPipeline", **REPAINTS},
        "stylize": {"pipeline": "StableDiffusion3Img2ImgPipeline", **REPAINTS},
        "upscaler": UPSCALERS["sd-upscale"],
    }
    offload = plain | {"loading": {"offload": "model"}}
    noisy = plain | {
        "scheduler": {
            "class": "FlowMatchEulerDiscreteScheduler",
            "settings": {"stochastic_sampling": True},
        }
    }
    return {"plain": plain, "full": plain | full, "offload": offload, "noisy": noisy, **upscaling}


def judges() -> dict[str, dict[str, Any]]:
    """Documents of each kind of judge, with every option."""
    weights = {"weights": "hub:acme/judge", "revision": COMMIT}
    learned = {"description": "all", **weights, "dtype": "bfloat16", "device": "cpu"} | {
        "batch_size": 4
    }
    boxes = {
        "thresholds": {"presence": 0.2, "counting": 0.4},
        "max_overlap": 0.5,
        "max_overlap_across": 0.9,
        "synonyms": {"sofa": "couch"},
    }
    return {
        "drawn": {"kind": "shapes", "description": "all"},
        "small": {"kind": "ssd-mobilenet", "weights": "package:coco-small", **boxes},
        "boxes": {
            "kind": "object-detection",
            "classes": ["cat", "couch"],
            "colors": {"weights": "hub:acme/colors", "revision": COMMIT},
            **learned,
            **boxes,
        },
        "words": {"kind": "zero-shot-object-detection", **learned},
        "talker": {"kind": "vqa", "question": "Is it {prompt}?", "yes": "Ja", "no": "Nein"}
        | learned,
        "near": {"kind": "clip", "template": "a {prompt}", **learned},
        "faces-all": {"kind": "centerface", "weights": "package:centerface", "presence": 0.6},
    }


def hosted_models() -> dict[str, dict[str, Any]]:
    """Documents of each hosted backend: as small as they may be, and with every option."""
    ideogram, gemini = yaml.safe_load(IDEOGRAM), yaml.safe_load(GEMINI)
    openai = yaml.safe_load(OPENAI)
    limits = {
        "max_usd": 5,
        "max_in_flight": 2,
        "max_per_minute": 30,
        "timeout_seconds": 60,
        "attempts": 3,
        "backoff_seconds": 2.0,
        "patience_seconds": 200,
        "ask_again": True,
    }
    hosted = {
        "ideogram": ideogram,
        "ideogram-full": ideogram
        | {
            "description": "everything written out",
            "magic_prompt": "ON",
            "edit": {"kind": "inpaint"},
            "stylize": {"image_weight": 40},
            "upscaler": {"kind": "ideogram", "scale": 2, "resemblance": 40, "detail": 60},
            "retired": "2026-12-01",
            "limits": limits,
        },
        "gemini": gemini,
        "gemini-full": gemini
        | {"description": "everything", "temperature": 0.5, "retired": "2026-12-01",
           "api_version": "v1", "limits": limits},
        "openai": openai,
        "openai-full": openai
        | {"description": "everything", "base_url": "http://127.0.0.1:8000/v1",
           "api_key_variable": "ACME_API_KEY", "background": "opaque", "output_format": "png",
           "negative_prompt_parameter": "negative_prompt", "extra": {"steps": 4},
           "edit": {"input_fidelity": "high"}, "retired": "2026-12-01", "limits": limits},
    }  # fmt: skip
    kept = ideogram["price"] | {"usd_per_upscale": None}
    for name, given in UPSCALERS.items():
        if name not in ("sd-upscale", "compact-tiled"):
            hosted[f"ideogram-{name}"] = ideogram | {"upscaler": given, "price": kept}
            hosted[f"gemini-{name}"] = gemini | {"upscaler": given}
            hosted[f"openai-{name}"] = openai | {"upscaler": given}
    return hosted


def folder_models() -> dict[str, dict[str, Any]]:
    """Images that were made elsewhere, as little as may be said and with every option."""
    price = {"usd_per_image": 0.02, "source": "a test", "as_of": "2026-11-24"}
    plain = {"backend": "folder", "images": "elsewhere", "price": price}
    full = {
        "description": "all",
        "manifest": "told.csv",
        "size": [192, 192],
        "upscaler": UPSCALERS["lanczos"],
    }
    return {"folder": plain, "folder-full": plain | full}


def write_images(folder: Path, image: bytes = base64.b64decode(MARK)) -> None:
    """One image by its name, told again by a manifest, and another manifest that tells another."""
    (folder / "red-circle").mkdir(parents=True)
    (folder / "red-circle" / "5.png").write_bytes(image)
    (folder / "other.png").write_bytes(b"another")
    (folder / "other.csv").write_text("file,prompt_id,seed\nother.png,red-circle,5\n")
    rows = ["file,prompt_id,seed,flow,source,seconds,usd"]
    rows += [f"red-circle/5.png,red-circle,{seed},generate,,1.5,0.03" for seed in (5, 6)]
    (folder / "told.csv").write_text("\n".join(rows) + "\n")


def comfyui_models() -> dict[str, dict[str, Any]]:
    """Documents of backend comfyui: as small as they may be, and with every option."""
    small = yaml.safe_load(COMFYUI) | {"edit": None, "upscaler": None}
    table = {"prompt": "6.text", "seed": "3.seed", "source_image": "10.image"}
    full = yaml.safe_load(COMFYUI) | {
        "description": "everything written out",
        "output": "9",
        "node_versions": {"comfyui-impact-pack": "8.8.1"},
        "base_url": "https://comfy.example",
        "token": {"environment": "COMFYUI_TOKEN", "header": "X-Key"},
        "timeout_seconds": 60,
        "max_in_flight": 2,
        "stylize": {"workflow": "workflows/edit.json", "output": "9", "inputs": table},
    }
    full["edit"] |= {"output": "9"}
    full["edit"]["inputs"] |= {"width": "13.width", "height": "13.height"}
    full["stylize"]["inputs"] |= {"negative_prompt": "7.text"}
    full["stylize"]["inputs"] |= {"width": "13.width", "height": "13.height"}
    return {"comfyui": small, "comfyui-full": full}


def write_workflows(root: Path) -> None:
    """The workflows that documents name, and another one under each name."""
    (root / "workflows").mkdir()
    scale = {"13": {"class_type": "ImageScale", "inputs": {"width": 8, "height": 8}}}
    for name, nodes in (("make", WORKFLOW), ("edit", EDIT_WORKFLOW | scale)):
        (root / f"workflows/{name}.json").write_text(json.dumps(nodes))
    (root / "workflows/other.json").write_text(json.dumps(EDIT_WORKFLOW | {"99": scale["13"]}))


def command_models() -> dict[str, dict[str, Any]]:
    """Documents of backend command: as small as they may be, and with every option."""
    plain: dict[str, Any] = {"backend": "command", "command": ["draw"], "price": PRICE}
    full = plain | {
        "description": "everything written out",
        "command": ["draw", "--steps", "4"],
        "files": ["mark.png"],
        "timeout_seconds": 60,
        "edit": {"parameters": {"strength": 0.5}},
        "stylize": {"parameters": {"strength": 0.4}},
    }
    flows: dict[str, Any] = {"edit": {}, "stylize": {}}
    scaled = {n: plain | flows | {"upscaler": u} for n, u in UPSCALERS.items() if n in _OURS}
    return {"command": plain | flows, "command-full": full} | {
        f"command-{name}": document for name, document in scaled.items()
    }


def write_every_document(root: Path) -> None:
    """A project with the shipped documents, and with all of these; not every pair of them fits."""
    write_project(root)
    add_chain(root)
    (root / "mark.png").write_bytes(base64.b64decode(MARK))
    write_images(root / "elsewhere")
    write_workflows(root)
    _write_full_endpoint(root / "contracts/endpoints")
    _write_full_prompts(root / "prompts")
    made_elsewhere = folder_models() | comfyui_models() | command_models()
    for name, document in (local_models() | hosted_models() | made_elsewhere).items():
        path = root / f"contracts/models/{name}.yaml"
        path.write_text(yaml.safe_dump(document | {"model": name}))
    for kind in ("contracts/endpoints", "contracts/models", "prompts"):
        for file in (SHIPPED / kind).rglob("*.*"):
            shutil.copy(file, root / kind)
    shutil.copytree(
        SHIPPED / "contracts/models/examples",
        root / "contracts/models/examples",
        ignore=shutil.ignore_patterns("*.yaml"),
    )


def _write_full_endpoint(folder: Path) -> None:
    document = yaml.safe_load((folder / "cards.yaml").read_text()) | yaml.safe_load(FULL_ENDPOINT)
    (folder / "full.yaml").write_text(yaml.safe_dump(document))


def _write_full_prompts(folder: Path) -> None:
    document = yaml.safe_load(PROMPTS) | yaml.safe_load(FULL_PROMPTS)
    (folder / "full.yaml").write_text(yaml.safe_dump(document))


FULL_ENDPOINT = """\
endpoint: full
description: everything written out
accepts:
  max_prompt_chars: 80
  sizes: [[96, 96], [128, 128]]
  source_formats: [PNG, JPEG]
  source_kinds: [grayscale]
  source_alpha: refuse
  max_source_pixels: 1000000
  max_source_bytes: 1000000
returns: {size: [96, 96], mode: RGB, format: PNG}
flows: [generate, stylize, edit, upscale, postprocess]
sources: {stylize: generate, edit: generate, upscale: edit, postprocess: stylize}
sampling: {seeds: [5, 6], replicates: 2}
prompt_sets: [full, few]
stylize:
  transforms:
    - {name: a, kind: suffix, text: ", in watercolor"}
    - {name: b, kind: prefix, text: "soft "}
    - {name: c, kind: template, template: "({prompt})"}
    - {name: d, kind: replace, old: large, new: big}
    - {name: e, kind: negative_prompt, text: dark}
postprocess:
  - {kind: resize, size: [128, 128], filter: lanczos}
  - {kind: sharpen, radius: 1.0, amount: 0.5, threshold: 2}
  - {kind: watermark, text: acme, corner: top-left, height: 0.1, margin: 2, opacity: 0.5}
  - {kind: watermark, image: mark.png, height: 0.1, opacity: 0.5}
  - {kind: convert, format: WEBP, quality: 90, mode: L}
criteria:
  - {metric: composition.correct, flow: generate, floor: 0.1, margin: 0.2, severity: review}
  - {metric: artefacts.clean, flow: upscale, floor: 0.5}
  - {metric: cost.seconds, flow: upscale, statistic: worst, ceiling: 9}
failures: {total: 0.1}
budget: {usd_per_image: 0.01, seconds_per_image: 60, worst_seconds: 90}
traffic: {busiest_hour: 60, workers: 2, batch: 4, per_month: {generate: 9}}
review:
  look: {lightness: 1}
  near: [{metric: artefacts.clean, flow: upscale, within: 0.02}]
  disagree: [{metrics: [composition.correct, composition.background], flow: edit, max_rate: 0.2}]
  always: true
decision: {alpha: 0.1, looks: 2, over: all}
"""
FULL_PROMPTS = """\
prompt_set: full
description: everything written out
transforms:
  - {name: a, kind: suffix, text: " on white"}
  - {name: b, kind: prefix, text: "a photo of "}
  - {name: c, kind: template, template: "{prompt}, sharp"}
  - {name: d, kind: replace, old: large, new: big}
  - {name: e, kind: negative_prompt, text: blurred}
prompts:
  - id: one
    prompt: a large red circle
    tags: [colors]
    expect:
      include:
        - {class: circle, color: red, size: large}
        - {class: star, count: 2, position: [left of, 0]}
      exclude: [{class: star, count: 3}]
      text: HI
      background: white
    edit:
      region: [0.0, 0.0, 0.5, 1.0]
      prompt: a large blue square
      expect: {include: [{class: square, color: blue}], text: HO}
"""
