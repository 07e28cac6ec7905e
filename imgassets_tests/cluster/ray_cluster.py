"""A real Ray cluster of nodes on this machine, in a network and a process namespace of its own.

Ray listens on all addresses and leaves processes behind; in namespaces, nothing outside reaches it
and all of it ends with the first process. Needs root, `unshare` and `ip`.

    unshare -n -p -f --mount-proc --kill-child python -m imgassets_tests.cluster.ray_cluster \\
        SCENE FOLDER

plays one of `SCENES` and writes what it found to FOLDER/found.json.
"""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import psutil

from imgassets_tests.engines import through_dagster

PORT = 6379
#: One worker a node: each has one of the GPUs that there are not.
ENGINE = f"ray://127.0.0.1:{PORT}?gpus=1"
SETTINGS = {
    "IMGASSETS_ENGINE": ENGINE,
    "RAY_AUTH_MODE": "token",
    "RAY_AUTH_TOKEN": "a-token-of-a-test-" * 2,
    "RAY_USAGE_STATS_ENABLED": "0",
    "RAY_gcs_rpc_server_reconnect_timeout_s": "5",
}


def start_node(folder: Path, *where: str) -> None:
    """Start one node with a fake GPU; returns when it is there."""
    log = folder.with_suffix(".log")  # no pipe: the node would keep it open
    done = subprocess.run(
        [
            *(str(Path(sys.executable).with_name("ray")), "start", *where),
            *("--num-cpus", "1", "--num-gpus", "1", "--object-store-memory", "100000000"),
            *("--temp-dir", str(folder)),
        ],
        stdout=subprocess.DEVNULL,
        stderr=log.open("w"),
        timeout=120,
    )
    if done.returncode:
        raise RuntimeError(log.read_text())


def start_cluster(folder: Path) -> None:
    """A head and a second node."""
    start_node(folder, "--head", "--port", str(PORT), "--include-dashboard=false")
    start_node(folder, f"--address=127.0.0.1:{PORT}")


def processes(word: str) -> list[psutil.Process]:
    """Processes of this namespace whose command line has a word."""
    found = []
    for process in psutil.process_iter():
        try:
            if word in " ".join(process.cmdline()):
                found.append(process)
        except psutil.Error:
            continue
    return found


def kill(word: str) -> int:
    """SIGKILL to all processes with a word in their command line; how many there were."""
    hit = processes(word)
    for process in hit:
        process.send_signal(signal.SIGKILL)
    return len(hit)


def actors() -> list[psutil.Process]:
    """Workers of an engine that are there now."""
    found = []
    for process in processes("ray::"):
        try:
            found += [process] if "Worker" in " ".join(process.cmdline()) else []
        except psutil.Error:  # gone meanwhile
            continue
    return found


def run(root: Path, log: Path) -> subprocess.Popen[bytes]:
    """Make the images of a project on the cluster, in a process of its own."""
    with log.open("wb") as output:
        return subprocess.Popen(
            [sys.executable, "-m", "imgassets_tests.engines.through_dagster", str(root)],
            env=os.environ | {"IMGASSETS_PROJECT": str(root)},
            stdout=output,
            stderr=output,
        )


def when_made(root: Path, images: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until some images are stored."""
    while len(through_dagster.stored(root)) < images:
        if process.poll() is not None:
            raise RuntimeError(f"the run ended before {images} images")
        time.sleep(0.02)


def times(root: Path) -> dict[str, int]:
    """When each image was stored."""
    store = through_dagster.store(root)
    return {key: store.path(key).stat().st_mtime_ns for key in through_dagster.stored(root)}


def an_actor_is_killed(folder: Path) -> dict[str, Any]:
    """SIGKILL to one of two actors in the middle of a run."""
    root = through_dagster.write(folder / "shared", seeds=20, steps=8)
    process = run(root, folder / "log")
    when_made(root, 8, process)
    begun = actors()
    nodes = {p.ppid() for p in begun}
    begun[0].send_signal(signal.SIGKILL)
    code = process.wait(400)
    time.sleep(2)
    return {"code": code, "actors": len(begun), "nodes": len(nodes), "left": len(actors())}


def the_head_is_killed(folder: Path) -> dict[str, Any]:
    """SIGKILL to the head and its node in the middle; a new cluster, and the same command."""
    root = through_dagster.write(folder / "shared", seeds=20, steps=8)
    process = run(root, folder / "log")
    when_made(root, 8, process)
    heads = kill("gcs_server")
    kill("raylet/raylet")
    begun = time.monotonic()
    first = process.wait(120)
    ended = time.monotonic() - begun
    kept = times(root)
    kill("ray::")
    kill("ray/_private")
    time.sleep(1)
    start_cluster(folder / "ray2")
    code = run(root, folder / "log2").wait(400)
    now = times(root)
    again = [key for key, when in kept.items() if now[key] != when]
    said = (folder / "log").read_text(errors="replace").splitlines()[-1]
    found = {"heads": heads, "first": first, "said": said, "ended": ended, "kept": len(kept)}
    return found | {"code": code, "made_again": len(again)}


SCENES: dict[str, Callable[[Path], dict[str, Any]]] = {
    scene.__name__: scene for scene in (an_actor_is_killed, the_head_is_killed)
}


def main() -> None:
    """Play the scene that the arguments name."""
    scene, folder = sys.argv[1], Path(sys.argv[2])
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    os.environ |= SETTINGS
    start_cluster(folder / "ray")
    (folder / "found.json").write_text(json.dumps(SCENES[scene](folder)))


if __name__ == "__main__":
    main()
