"""Nothing that the product does reports to anyone, and nothing is left in the user's folders."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from imgassets import SWITCHES
from imgassets_tests.fakes.drawing import draw
from imgassets_tests.integration.small import write_small_project

ROOT = Path(__file__).parents[2]
IMGASSETS = str(Path(sys.executable).with_name("imgassets"))
PROMPTS = """\
prompt_set: s
prompts:
  - {id: sign, prompt: a sign, expect: {text: "OPEN"}}
"""
_OURS = ("XDG_", "ORT_", "HF_", "GX_", "DAGSTER_", "DO_NOT_TRACK", "IMGASSETS_", "DISABLE_")


def bare_environment(root: Path, **more: str) -> dict[str, str]:
    """Someone's environment that says nothing of proxies and telemetry; HOME and TMPDIR empty."""
    for name in ("home", "tmp"):
        (root / name).mkdir(exist_ok=True)
    kept = {
        k: v
        for k, v in os.environ.items()
        if not k.startswith(_OURS) and "proxy" not in k.lower() and not k.startswith("PYTEST")
    }
    own = {"HOME": str(root / "home"), "TMPDIR": str(root / "tmp"), "OMP_NUM_THREADS": "1"}
    return kept | own | more


def outbound(commands: list[list[str]], environment: dict[str, str]) -> dict[str, Any]:
    """Run commands in a network namespace of their own; see `imgassets_tests.outbound`."""
    if not (shutil.which("unshare") and shutil.which("ip")):
        pytest.skip("needs `unshare` (util-linux) and `ip` (iproute2)")
    if subprocess.run(["unshare", "-rn", "true"], capture_output=True, check=False).returncode:
        pytest.skip("this user may not make network namespaces (unshare -rn)")
    done = subprocess.run(
        ["unshare", "-rn", sys.executable, "-m", "imgassets_tests.outbound", json.dumps(commands)],
        env=environment | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_the_watcher_sees_what_native_code_sends(tmp_path: Path) -> None:
    """The trap works: a connection and a question for a name, below anything Python can hook."""
    c = (
        "import ctypes, socket; l = ctypes.CDLL(None);"
        "s = l.socket(2, 1 | 2048, 0);"  # SOCK_STREAM | SOCK_NONBLOCK
        "a = bytes([2, 0]) + (443).to_bytes(2, 'big') + bytes([192, 0, 2, 1]) + bytes(8);"
        "l.connect(s, a, 16);"
        "r = ctypes.c_void_p(); l.getaddrinfo(b'example.com', b'443', None, ctypes.byref(r))"
    )
    found = outbound([[sys.executable, "-c", c]], bare_environment(tmp_path))
    assert "tcp 192.0.2.1:443" in found["sent"]
    assert any(sent.startswith("udp") and sent.endswith(":53") for sent in found["sent"])


def test_validating_and_scoring_report_to_nobody(tmp_path: Path) -> None:
    """Models, metrics, reading of text, Data Docs and Dagster: no packet leaves."""
    write_small_project(tmp_path / "p")
    (tmp_path / "images/sign").mkdir(parents=True)
    sign = draw('the text "OPEN" on white', 1, (384, 384))
    sign.save(tmp_path / "images/sign/1.png")
    (tmp_path / "s.yaml").write_text(PROMPTS)
    score = ["--prompts", str(tmp_path / "s.yaml"), "--images", str(tmp_path / "images")]
    environment = bare_environment(tmp_path, IMGASSETS_PROJECT=str(tmp_path / "p"))
    found = outbound(
        [[IMGASSETS, "validate"], [IMGASSETS, "score", *score], [IMGASSETS, "docs"]], environment
    )
    said = [end["said"] for end in found["ends"]]
    assert [end["code"] for end in found["ends"]] == [1, 0, 0], said  # too few prompts for a GO
    assert "1 of 1 judged images correct" in said[1]
    assert found["sent"] == []
    assert left_in(tmp_path / "home") == []
    assert left_in(tmp_path / "tmp") == []


def left_in(folder: Path) -> list[str]:
    return [str(path) for path in folder.rglob("*") if path.is_file()]


#: What a user's own program does with the package, without its command.
PROGRAMS = {
    "the package first": "import imgassets, onnxruntime",
    "a module of it": "import imgassets.documents.project, onnxruntime",
    "the code location": "import imgassets.definitions, onnxruntime",
}


@pytest.mark.parametrize("how", PROGRAMS)
def test_importing_the_package_is_enough(how: str, tmp_path: Path) -> None:
    write_small_project(tmp_path / "p")
    environment = bare_environment(tmp_path, IMGASSETS_PROJECT=str(tmp_path / "p"))
    told = f"{PROGRAMS[how]}\nimport huggingface_hub.constants as c\n"
    told += "assert c.HF_HUB_DISABLE_TELEMETRY"
    found = outbound([[sys.executable, "-c", told]], environment)
    assert found["ends"][0]["code"] == 0, found
    assert found["sent"] == []
    assert left_in(tmp_path / "home") == []


def test_without_the_switch_onnxruntime_leaves_a_device_id(tmp_path: Path) -> None:
    """Why there is a switch; when this fails, onnxruntime has changed its ways: look again."""
    environment = bare_environment(tmp_path)
    # It is quiet by itself where it finds itself in CI.
    for name in ("CI", "TF_BUILD", "GITHUB_ACTIONS"):
        environment.pop(name, None)
    home = str(tmp_path / "home")
    program = (  # it is written beside the import, and lost where the process ends first
        "import onnxruntime, pathlib, time\n"
        f"home, end = pathlib.Path({home!r}), time.monotonic() + 30\n"
        "while time.monotonic() < end and not list(home.rglob('deviceid')):\n"
        "    time.sleep(0.05)\n"
    )
    subprocess.run([sys.executable, "-c", program], env=environment, check=True)
    assert [Path(p).name for p in left_in(tmp_path / "home") if p.endswith("deviceid")]


def test_libraries_imported_before_are_told(tmp_path: Path) -> None:
    program = (
        "import huggingface_hub.constants as c, onnxruntime\n"
        "told = []\n"
        "onnxruntime.disable_telemetry_events = lambda: told.append(1)\n"
        "import imgassets\n"
        "assert c.HF_HUB_DISABLE_TELEMETRY and told\n"
    )
    subprocess.run([sys.executable, "-c", program], env=bare_environment(tmp_path), check=True)


def test_what_a_user_set_stays(tmp_path: Path) -> None:
    for name in SWITCHES:
        environment = bare_environment(tmp_path, **{name: "0"})
        program = f"import imgassets, os; print(os.environ[{name!r}])"
        done = subprocess.run(
            [sys.executable, "-c", program],
            env=environment,
            capture_output=True,
            text=True,
            check=True,
        )
        assert done.stdout.strip() == "0"


def test_importing_the_package_imports_nothing_heavy(tmp_path: Path) -> None:
    program = (
        "import sys; import imgassets; heavy = {'onnxruntime', 'torch', 'dagster', 'numpy', "
        "'huggingface_hub', 'great_expectations', 'httpx'} & set(sys.modules); print(sorted(heavy))"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=bare_environment(tmp_path),
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "[]"


def test_dagsters_own_processes_find_telemetry_switched_off(tmp_path: Path) -> None:
    """`dagster dev` imports no code of ours, but reads `dagster.yaml` where it is started."""
    assert (ROOT / "dagster.yaml").read_text() == (
        ROOT / "imgassets/storage/dagster.yaml"
    ).read_text()
    program = (
        "from dagster._cli.utils import get_possibly_temporary_instance_for_cli as opened\n"
        "with opened() as instance: print(instance.telemetry_enabled)"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        env=bare_environment(tmp_path),
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.strip() == "False"
