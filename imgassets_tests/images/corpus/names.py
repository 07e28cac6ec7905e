"""Good images under hostile names."""

from __future__ import annotations

from imgassets_tests.images.corpus.case import MARKUP, Case, placed
from imgassets_tests.images.files import encoded


def _named(name: str, output: str, what: str) -> Case:
    return Case("hostile names", what, placed(encoded("PNG"), name), output=output)


NAMES = [
    _named("a\nb.png", "a_b.png", "a line break"),
    _named("\x1b[31mred.png", "31mred.png", "terminal escape codes"),
    _named("gnp.\u202egpj.png", "gnp._gpj.png", "reversed writing"),
    _named("-rf.png", "rf.png", "looks like an option"),
    _named("...png", "image.png", "nothing but dots"),
    _named(".png", "png.png", "a hidden file"),
    _named("..\\..\\evil.png", "evil.png", "a path of another system"),
    _named("; rm -rf ~;$(id)`id`.png", "rm_-rf_id_id.png", "shell commands"),
    _named(f"{MARKUP.replace('/', '')}.png", "script_alert_1_script_img_src_x_onerror_alert_2.png",
           "markup"),
    _named("%2e%2e%2f%00.png", "2e_2e_2f_00.png", "percent encoding"),
    _named("é" * 120 + ".png", "é" * 60 + ".png", "240 bytes of accents"),
    _named("\udcff\udcfe.png", "image.png", "bytes that are no text"),
    _named("ロゴ 新.png", "ロゴ_新.png", "another script"),
    _named("photo.png.exe", "photo.png.png", "two suffixes"),
]  # fmt: skip
