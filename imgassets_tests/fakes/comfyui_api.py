"""A ComfyUI on a loopback socket: queue, history, uploads, websocket; it misbehaves when told to.

Shapes after ComfyUI's `server.py`, `execution.py` and `main.py`. Workflows really run, node by
node, with a drawing where a diffusion model would be.
"""

from __future__ import annotations

import asyncio
import io
import json
import threading
import time
import uuid
from typing import Any, Self

import uvicorn
from PIL import Image
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from imgassets_tests.fakes.drawing import draw, edited, png
from imgassets_tests.fakes.server import BOMB

VERSION = "0.3.75"
#: The workflow that everybody begins with.
WORKFLOW: dict[str, Any] = {
    "3": {
        "class_type": "KSampler",
        "inputs": {
            "seed": 1, "steps": 20, "cfg": 7.0, "sampler_name": "euler", "scheduler": "normal",
            "denoise": 1.0, "model": ["4", 0], "positive": ["6", 0], "negative": ["7", 0],
            "latent_image": ["5", 0],
        },
        "_meta": {"title": "KSampler"},
    },
    "4": {"class_type": "CheckpointLoaderSimple", "inputs": {"ckpt_name": "shoes.safetensors"}},
    "5": {
        "class_type": "EmptyLatentImage",
        "inputs": {"width": 512, "height": 512, "batch_size": 1},
    },
    "6": {"class_type": "CLIPTextEncode", "inputs": {"text": "a cat", "clip": ["4", 1]}},
    "7": {"class_type": "CLIPTextEncode", "inputs": {"text": "blurred", "clip": ["4", 1]}},
    "8": {"class_type": "VAEDecode", "inputs": {"samples": ["3", 0], "vae": ["4", 2]}},
    "9": {"class_type": "SaveImage", "inputs": {"filename_prefix": "it", "images": ["8", 0]}},
}  # fmt: skip
#: Inpainting: the latent is the source with a mask.
EDIT_WORKFLOW = WORKFLOW | {
    "5": {
        "class_type": "VAEEncodeForInpaint",
        "inputs": {"pixels": ["10", 0], "mask": ["11", 0], "vae": ["4", 2], "grow_mask_by": 6},
    },
    "10": {"class_type": "LoadImage", "inputs": {"image": "example.png"}},
    "11": {"class_type": "LoadImageMask", "inputs": {"image": "mask.png", "channel": "red"}},
}
CLASSES = {node["class_type"] for flow in (WORKFLOW, EDIT_WORKFLOW) for node in flow.values()}


class FakeComfyUI:
    """A server for the length of a `with` block.

    Attributes:
        wrong: faults that the next requests meet, in order; then it behaves.
        version, nodes: what it says to be; `nodes` None: without ComfyUI-Manager.
        token: value that the header Authorization must have; empty: none is wanted.
        socket: whether websockets are taken.
        prompts, ran, interrupts, deleted: what was queued, really run, ended, taken off the queue.
        uploads: images by name.
    """

    def __init__(self) -> None:
        self.wrong: list[str] = []
        self.version: str | None = VERSION
        self.nodes: dict[str, Any] | None = None
        self.token, self.socket = "", True
        self.prompts: list[dict[str, Any]] = []
        self.ran: list[dict[str, Any]] = []
        self.interrupts: list[Any] = []
        self.deleted: list[str] = []
        self.uploads: dict[str, bytes] = {}
        self._files: dict[str, bytes] = {}
        self._history: dict[str, Any] = {}
        self._pending: list[tuple[str, dict[str, Any], str, str | None]] = []
        self._running: str | None = None
        self._stop = threading.Event()
        self._cache: dict[str, dict[str, Any]] = {}
        self._sockets: dict[str, WebSocket] = {}
        self._change = threading.Condition()
        self._over = False

    def __enter__(self) -> Self:
        config = uvicorn.Config(self._app(), port=0, log_level="critical", ws="websockets-sansio")
        self._server = uvicorn.Server(config)
        threading.Thread(target=self._server.run, daemon=True).start()
        while not self._server.started:
            time.sleep(0.01)
        self._port = self._server.servers[0].sockets[0].getsockname()[1]
        threading.Thread(target=self._work, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self.leave()

    def leave(self) -> None:
        """Go away, open connections included."""
        self._server.should_exit = self._server.force_exit = True
        with self._change:
            self._over = True
            self._stop.set()
            self._change.notify_all()
        while self._server.servers and self._server.servers[0].is_serving():
            time.sleep(0.01)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    # ---- what it answers -------------------------------------------------------------------

    def _app(self) -> Starlette:
        routes = {
            "/system_stats": self._system_stats,
            "/object_info/{name}": self._object_info,
            "/customnode/installed": self._installed,
            "/prompt": self._prompt,
            "/queue": self._queue,
            "/history/{id}": self._told,
            "/interrupt": self._interrupt,
            "/view": self._view,
            "/upload/image": self._upload,
            "/free": self._free,
        }
        posts = {"/prompt", "/interrupt", "/upload/image", "/free"}
        found: list[Any] = [
            Route(path, self._guarded(answer), methods=["POST"] if path in posts else ["GET"])
            for path, answer in routes.items()
        ]
        found += [Route("/queue", self._guarded(self._delete), methods=["POST"])]
        return Starlette(routes=[*found, WebSocketRoute("/ws", self._listen)])

    def _guarded(self, answer: Any) -> Any:
        async def guarded(request: Request) -> Response:
            if self.token and request.headers.get("Authorization") != self.token:
                return JSONResponse({"error": "who are you?"}, 401)
            return await answer(request)

        return guarded

    async def _system_stats(self, _: Request) -> Response:
        system = {"os": "posix", "pytorch_version": "2.9.1+cpu", "comfyui_version": self.version}
        return JSONResponse({"system": system, "devices": [{"name": "cpu", "type": "cpu"}]})

    async def _object_info(self, request: Request) -> Response:
        name = request.path_params["name"]
        return JSONResponse({name: {"input": {}}} if name in CLASSES else {})

    async def _installed(self, _: Request) -> Response:
        return JSONResponse(self.nodes) if self.nodes is not None else Response(status_code=404)

    async def _prompt(self, request: Request) -> Response:
        asked = await request.json()
        fault = self.wrong.pop(0) if self.wrong else None
        if fault == "refused":
            return JSONResponse(REFUSAL, 400)
        if fault in ("broken", "junk_reply"):
            text = "<html>gateway</html>"
            return Response(text, 500 if fault == "broken" else 200, media_type="text/html")
        name = str(uuid.uuid4())
        with self._change:
            self.prompts.append(asked["prompt"])
            if fault != "forgets":
                self._pending.append((name, asked["prompt"], asked["client_id"], fault))
            self._change.notify_all()
        return JSONResponse({"prompt_id": name, "number": len(self.prompts), "node_errors": {}})

    async def _queue(self, _: Request) -> Response:
        with self._change:
            pending = [[i, p[0], p[1], {}, []] for i, p in enumerate(self._pending)]
            running = [[0, self._running, {}, {}, []]] if self._running else []
        return JSONResponse({"queue_running": running, "queue_pending": pending})

    async def _delete(self, request: Request) -> Response:
        names = (await request.json())["delete"]
        with self._change:
            self.deleted += [p[0] for p in self._pending if p[0] in names]
            self._pending = [p for p in self._pending if p[0] not in names]
        return Response()

    async def _told(self, request: Request) -> Response:
        name = request.path_params["id"]
        return JSONResponse({k: v for k, v in self._history.items() if k == name})

    async def _interrupt(self, request: Request) -> Response:
        self.interrupts.append((await request.json()).get("prompt_id"))
        self._stop.set()
        return Response()

    async def _view(self, request: Request) -> Response:
        found = self._files.get(request.query_params["filename"])
        return Response(found or b"", 404 if found is None else 200, media_type="image/png")

    async def _upload(self, request: Request) -> Response:
        body, kind = await request.body(), request.headers["Content-Type"]
        parts = body.split(b"--" + kind.partition("boundary=")[2].encode())
        part = next(p for p in parts if b'name="image"' in p)
        head, _, data = part.partition(b"\r\n\r\n")
        name = head.partition(b'filename="')[2].partition(b'"')[0].decode()
        self.uploads[name] = data.removesuffix(b"\r\n")
        return JSONResponse({"name": name, "subfolder": "", "type": "input"})

    async def _free(self, request: Request) -> Response:
        if (await request.json()).get("free_memory"):
            self._cache.clear()
        return Response()

    async def _listen(self, socket: WebSocket) -> None:
        if not self.socket:
            await socket.close()
            return
        await socket.accept()
        self._loop = asyncio.get_running_loop()
        self._sockets[socket.query_params["clientId"]] = socket
        await socket.send_text(json.dumps({"type": "status", "data": {"status": {}}}))
        try:
            while True:
                await socket.receive_text()
        except WebSocketDisconnect:
            self._sockets.pop(socket.query_params["clientId"], None)

    # ---- its work --------------------------------------------------------------------------

    def _work(self) -> None:
        while True:
            with self._change:
                self._change.wait_for(lambda: self._pending or self._over)
                if self._over:
                    return
                name, nodes, client, fault = self._pending.pop(0)
                self._running = name
                self._stop.clear()
            outputs, messages, status = self._executed(name, nodes, client, fault)
            with self._change:
                said = {"status_str": status, "completed": status == "success"}
                self._history[name] = {
                    "prompt": [0, name, nodes, {}, ["9"]],
                    "outputs": outputs,
                    "status": said | {"messages": messages},
                }
                self._running = None
            self._tell(client, "executing", {"node": None, "prompt_id": name})

    def _executed(
        self, name: str, nodes: dict[str, Any], client: str, fault: str | None
    ) -> tuple[dict[str, Any], list[Any], str]:
        messages: list[Any] = []

        def say(kind: str, **data: Any) -> None:
            data |= {"prompt_id": name, "timestamp": round(time.time() * 1000)}
            messages.append([kind, data])
            self._tell(client, kind, data)

        say("execution_start")
        written = json.dumps(nodes, sort_keys=True)
        cached = written in self._cache
        say("execution_cached", nodes=list(nodes) if cached else [])
        self._tell(client, "progress", {"value": 1, "max": 2, "prompt_id": name, "node": "3"})
        if fault == "slow" and self._stop.wait(60):
            say("execution_interrupted", node_id="3", node_type="KSampler", executed=[])
            return {}, messages, "error"
        if fault in ERRORS:
            say("execution_error", **ERRORS[fault])
            return {}, messages, "error"
        time.sleep(1.0 if fault == "late" else 0.01)
        outputs = self._cache[written] if cached else self._outputs(nodes, fault)
        if not cached:
            self.ran.append(nodes)
            self._cache[written] = outputs
        say("execution_success")
        return outputs, messages, "success"

    def _tell(self, client: str, kind: str, data: dict[str, Any]) -> None:
        socket = self._sockets.get(client)
        if socket is not None:
            text = json.dumps({"type": kind, "data": data})
            asyncio.run_coroutine_threadsafe(socket.send_text(text), self._loop)

    def _outputs(self, nodes: dict[str, Any], fault: str | None) -> dict[str, Any]:
        saved: dict[str, Any] = {}
        for node, found in nodes.items():
            if found["class_type"] != "SaveImage" or fault == "no_image":
                continue
            image = self._image(nodes, found["inputs"]["images"][0])
            if fault == "wrong_size":
                image = image.resize((image.width // 2, image.height))
            data = {"bomb": BOMB, "not_an_image": b"<html>"}.get(fault or "") or png(image)
            file = f"{found['inputs']['filename_prefix']}_{len(self._files):05}_.png"
            if fault != "lost_file":
                self._files[file] = data
            image_of = {"filename": file, "subfolder": "", "type": "output"}
            saved[node] = {"images": [image_of] * (2 if fault == "two_images" else 1)}
        return saved

    def _image(self, nodes: dict[str, Any], node: str) -> Image.Image:
        """The image a VAEDecode gives: KSampler's latent painted over by its prompt."""
        sampler = nodes[nodes[node]["inputs"]["samples"][0]]["inputs"]
        words = nodes[sampler["positive"][0]]["inputs"]["text"]
        latent = nodes[sampler["latent_image"][0]]
        inputs = latent["inputs"]
        if latent["class_type"] == "EmptyLatentImage":
            size = (inputs["width"] // 8 * 8, inputs["height"] // 8 * 8)
            return draw(words, sampler["seed"], size)
        source = self._uploaded(nodes, inputs["pixels"][0])
        mask = self._uploaded(nodes, inputs["mask"][0]).getchannel("R")
        return edited(source, mask, words, sampler["seed"])

    def _uploaded(self, nodes: dict[str, Any], node: str) -> Image.Image:
        return Image.open(io.BytesIO(self.uploads[nodes[node]["inputs"]["image"]])).convert("RGB")


REFUSAL = {
    "error": {
        "type": "prompt_outputs_failed_validation",
        "message": "Prompt outputs failed validation",
        "details": "",
        "extra_info": {},
    },
    "node_errors": {
        "4": {
            "errors": [
                {
                    "type": "value_not_in_list",
                    "message": "Value not in list",
                    "details": "ckpt_name: 'shoes.safetensors' not in ['boots.safetensors']",
                    "extra_info": {},
                }
            ],
            "dependent_outputs": ["9"],
            "class_type": "CheckpointLoaderSimple",
        }
    },
}
_NODE = {"node_id": "3", "node_type": "KSampler", "executed": [], "traceback": ["..."]}
ERRORS: dict[str, dict[str, Any]] = {
    "node_error": _NODE
    | {"exception_type": "ValueError", "exception_message": "the moon is full\n"},
    "out_of_memory": _NODE
    | {
        "exception_type": "torch.OutOfMemoryError",
        "exception_message": "Allocation on device ",
    },
    "old_out_of_memory": _NODE
    | {
        "exception_type": "RuntimeError",
        "exception_message": "CUDA out of memory. Tried to allocate 2.00 GiB",
    },
    "broken_device": _NODE
    | {
        "exception_type": "RuntimeError",
        "exception_message": "CUDA error: an illegal memory access was encountered",
    },
}
