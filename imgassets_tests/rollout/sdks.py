"""The real SDKs of applications, each in a folder of its own, installed once and kept.

Providers need packages that the product cannot have beside Dagster (protobuf 7). Python's
generations share what they have in common; each has its own provider, SDK and core.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tempfile
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from filelock import FileLock

PAGE = Path(__file__).parents[2] / "docs" / "flags.md"
_SHARED = (
    "grpcio==1.85.3", "protobuf==7.36.2", "cachebox==5.2.3", "cbor2==5.9.0", "mmh3==5.3.1",
    "panzi-json-logic==1.0.1", "pyyaml==6.0.4", "semver==3.1.2", "typing-extensions==4.16.0",
)  # fmt: skip
#: By version of the provider: the SDK and the core of its time. Their hashes are three.
PYTHON = {
    "0.2.7": ("openfeature-sdk==0.8.4",),
    "0.4.1": ("openfeature-sdk==0.8.4", "openfeature-flagd-core==1.0.0"),
    "0.5.2": ("openfeature-sdk==0.9.0", "openfeature-flagd-core==1.0.0"),
    "0.6.1": ("openfeature-sdk==0.10.0", "openfeature-flagd-core==2.0.0"),
}
NEWEST = "0.6.1"
#: By version of flagd's provider for JavaScript (core 1.3.0, core 4.0.1).
JAVASCRIPT = {
    "0.13.4": ("@openfeature/server-sdk@1.17.0",),
    "0.16.1": (
        "@openfeature/server-sdk@1.23.0",
        "@openfeature/ofrep-provider@0.1.3",
        "@openfeature/ofrep-core@0.1.4",
    ),
}
NEWEST_JS = "0.16.1"
_PYTHON_LOOP = """
import json, sys
def answer(asked):
    if "shadow" in asked:
        return shadowed(asked["shadow"])
    if "until" in asked:
        while model_for(asked["user"]) != asked["until"]:
            pass
        return asked["until"]
    return [model_for(user) for user in asked["users"]]
print("ready", flush=True)
for line in sys.stdin:
    print(json.dumps(answer(json.loads(line))), flush=True)
import os
os._exit(0)  # older providers leave a thread behind
"""
_JAVASCRIPT_LOOP = """
import readline from "node:readline";
console.log("ready");
for await (const line of readline.createInterface({ input: process.stdin })) {
  const asked = JSON.parse(line);
  if ("until" in asked) {
    while ((await modelFor(asked.user)) !== asked.until) await new Promise((r) => setTimeout(r, 5));
    console.log(JSON.stringify(asked.until));
  } else {
    const models = [];
    for (const user of asked.users) models.push(await modelFor(user));
    console.log(JSON.stringify(models));
  }
}
process.exit(0);
"""
#: What the page says not to use for speed; its answers must be the same.
FILE_PROVIDER_JS = """
import { FlagdProvider } from "@openfeature/flagd-provider";
await OpenFeature.setProviderAndWait(new FlagdProvider({
  resolverType: "in-process", offlineFlagSourcePath: "rollout/flags.json",
}));
"""


def block(name: str) -> str:
    """A block of code of the page, by the mark above it."""
    found = re.search(rf"<!-- tested: {name} -->\n```\w+\n(.*?)```", PAGE.read_text(), re.DOTALL)
    assert found is not None, name
    return found[1]


@dataclass
class Application:
    """A process that runs the page's code and answers questions line by line."""

    process: subprocess.Popen[str]
    started: float = field(default=0.0)

    def ask(self, question: str) -> str:
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()
        return self.answer()

    def tell(self, question: str) -> None:
        """Ask without waiting for the answer."""
        assert self.process.stdin is not None
        self.process.stdin.write(question + "\n")
        self.process.stdin.flush()

    def answer(self) -> str:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the application ended"
        return line.strip()

    def close(self) -> None:
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.wait(10)


def python_application(root: Path, provider: str = NEWEST) -> Application:
    """The page's Python under one generation of the provider, in a project's folder."""
    code = block("python") + "\n\n" + block("python shadow")
    if provider != NEWEST:  # set_provider waited until SDK 0.9
        code = code.replace("set_provider_and_wait", "set_provider")
    script = root / f"application-{provider}.py"
    script.write_text(code + _PYTHON_LOOP)
    shared, own = _python_folder("shared", _SHARED), _python_folder(provider, _pins(provider))
    environment = {"PATH": os.environ["PATH"], "PYTHONPATH": f"{own}:{shared}"}
    return _started([sys.executable, "-S", str(script)], root, environment)


def javascript_application(
    root: Path, port: int | None = None, provider: str = NEWEST_JS
) -> Application:
    """The page's JavaScript, asking the server at a port; or the file itself without one."""
    code = block("javascript")
    if port is not None:
        code = code.replace(":8016", f":{port}")
    else:
        code = re.sub(r"import .*ofrep-provider.*\n", "", code)
        code = re.sub(r"await OpenFeature.setProviderAndWait\(.*?\n\);\n", FILE_PROVIDER_JS, code,
                      flags=re.DOTALL)  # fmt: skip
    place = root / f"javascript-{provider}-{port}"
    place.mkdir()
    (place / "node_modules").symlink_to(_javascript_folder(provider) / "node_modules")
    (place / "application.mjs").write_text(code + _JAVASCRIPT_LOOP)
    command = ["node", str(place / "application.mjs")]
    return _started(command, root, {"PATH": os.environ["PATH"]})


def _started(command: list[str], root: Path, environment: dict[str, str]) -> Application:
    pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "text": True}
    process = subprocess.Popen(command, cwd=root, env=environment, **pipes)  # type: ignore[call-overload]
    application = Application(process)
    assert application.answer() == "ready"
    return application


def _pins(provider: str) -> tuple[str, ...]:
    core = ("openfeature-flagd-api==1.0.0",) if provider != "0.2.7" else ()
    return (f"openfeature-provider-flagd=={provider}", *PYTHON[provider], *core)


def _python_folder(name: str, pins: tuple[str, ...]) -> Path:
    install = [sys.executable, "-m", "pip", "install", "-q", "--disable-pip-version-check",
               "--no-deps", "--only-binary", ":all:", *pins, "--target"]  # fmt: skip
    return _kept(f"python-{name}", install, pins)


def _javascript_folder(provider: str) -> Path:
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed, so JavaScript's SDK cannot be tried")
    pins = (f"@openfeature/flagd-provider@{provider}", "@openfeature/core", *JAVASCRIPT[provider],
            "@grpc/grpc-js@1.14")  # fmt: skip
    install = ["npm", "install", "--no-audit", "--no-fund", "--silent", "--prefer-offline", *pins,
               "--prefix"]  # fmt: skip
    return _kept(f"javascript-{provider}", install, pins)


def _kept(name: str, install: list[str], pins: tuple[str, ...]) -> Path:
    """A folder that an install command filled once; it gets the folder as its last argument."""
    version = hashlib.sha256(" ".join(pins).encode()).hexdigest()[:12]
    home = Path(tempfile.gettempdir()) / f"imgassets-sdks-{os.getuid()}"
    home.mkdir(mode=0o700, exist_ok=True)
    folder = home / f"{name}-{version}"
    with FileLock(home / f"{name}.lock"):
        if folder.is_dir():
            return folder
        partial = home / f"{name}-{version}.part"
        shutil.rmtree(partial, ignore_errors=True)
        partial.mkdir()
        done = subprocess.run([*install, str(partial)], capture_output=True, text=True, check=False)
        if done.returncode:
            pytest.skip(f"{name} could not be installed: {done.stderr.strip()[-300:]}")
        partial.rename(folder)
    return folder
