"""A hub on this machine that behaves as badly as a test wants: it stalls, drips, breaks off, lies, refuses."""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@dataclass
class HubServer:
    """The files that there are, by repository and name, and how they are given.

    Attributes:
        files: content by ``ORGANISATION/NAME/FILE``.
        etags: what is said to be a file's hash, where that is not the truth.
        refused: status and the hub's own code for the error, by repository.
        breaks_after: so many bytes of an answer are sent before the connection is closed, from one connection on.
        stalls_after: beyond this byte of a file nothing comes.
        drips: so many bytes at once, with pauses of a twentieth of a second.
        goes_on: whether a range is answered.
        licences: of repositories. gated: those that let in only whom they know.
        asked: what was asked: method, path, range.
    """

    files: dict[str, bytes] = field(default_factory=dict)
    etags: dict[str, str] = field(default_factory=dict)
    refused: dict[str, tuple[int, str]] = field(default_factory=dict)
    breaks_after: list[int] = field(default_factory=list)
    stalls_after: int | None = None
    drips: int | None = None
    goes_on: bool = True
    licences: dict[str, str] = field(default_factory=dict)
    gated: set[str] = field(default_factory=set)
    asked: list[tuple[str, str, str]] = field(default_factory=list)
    url: str = ""
    closing: threading.Event = field(default_factory=threading.Event)

    def bodies(self) -> list[str]:
        """The ranges of what was asked for with a body, in order; "" for a whole file."""
        return [span for method, path, span in self.asked if method == "GET" and "/resolve/" in path]


@contextmanager
def serving() -> Iterator[HubServer]:
    """Serve on a free port of this machine until the block ends."""
    hub = HubServer()

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def log_message(self, format: str, *args: object) -> None:
            pass

        def do_HEAD(self) -> None:
            self.give(body=False)

        def do_GET(self) -> None:
            self.give(body=True)

        def give(self, body: bool) -> None:
            span = self.headers.get("Range", "")
            hub.asked.append((self.command, self.path, span))
            if self.path.startswith("/api/models/"):
                return self.tell(self.path.removeprefix("/api/models/").split("/revision")[0].split("?")[0])
            name = self.path.lstrip("/").replace("/resolve/main/", "/").replace(f"/resolve/{COMMIT}/", "/")
            repo = "/".join(name.split("/")[:2])
            if repo in hub.refused:
                status, code = hub.refused[repo]
                return self.answer(status, {"X-Error-Code": code, "X-Error-Message": code})
            if name not in hub.files:
                return self.answer(404, {"X-Error-Code": "EntryNotFound"})
            content = hub.files[name]
            etag = hub.etags.get(name, hashlib.sha256(content).hexdigest())
            about = {"ETag": f'"{etag}"', "X-Repo-Commit": COMMIT, "Accept-Ranges": "bytes"}
            first = int(span.removeprefix("bytes=").rstrip("-")) if span and hub.goes_on else 0
            self.send_response(206 if first else 200)
            for key, value in {**about, "Content-Length": str(len(content) - first)}.items():
                self.send_header(key, value)
            self.end_headers()
            if body:
                self.send_body(content[first:], first)

        def tell(self, repo: str) -> None:
            names = [name.removeprefix(f"{repo}/") for name in hub.files if name.startswith(f"{repo}/")]
            about: dict[str, object] = {"id": repo, "sha": COMMIT, "siblings": [{"rfilename": name} for name in names]}
            if repo in hub.licences:
                about["cardData"] = {"license": hub.licences[repo]}
            if repo in hub.gated:
                about["gated"] = "manual"
            text = json.dumps(about).encode()
            self.send_response(200)
            self.send_header("Content-Type", "application/json")
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)

        def answer(self, status: int, headers: dict[str, str]) -> None:
            self.send_response(status)
            for key, value in {**headers, "Content-Length": "0"}.items():
                self.send_header(key, value)
            self.end_headers()

        def send_body(self, content: bytes, first: int) -> None:
            if hub.breaks_after:
                self.wfile.write(content[: hub.breaks_after.pop(0)])
                self.close_connection = True
            elif hub.stalls_after is not None:
                self.wfile.write(content[: max(0, hub.stalls_after - first)])
                self.wfile.flush()
                hub.closing.wait(20)
            elif hub.drips is not None:
                for start in range(0, len(content), hub.drips):
                    self.wfile.write(content[start : start + hub.drips])
                    hub.closing.wait(0.05)
            else:
                self.wfile.write(content)

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    threading.Thread(target=server.serve_forever, daemon=True).start()
    hub.url = f"http://127.0.0.1:{server.server_port}"
    try:
        yield hub
    finally:
        hub.closing.set()
        server.shutdown()
        server.server_close()


@contextmanager
def as_the_hub(monkeypatch: pytest.MonkeyPatch) -> Iterator[HubServer]:
    """Serve, and let the hub's client take it for the hub."""
    with serving() as hub:
        for name, value in {
            "ENDPOINT": hub.url,
            "HUGGINGFACE_CO_URL_TEMPLATE": hub.url + "/{repo_id}/resolve/{revision}/{filename}",
        }.items():
            monkeypatch.setattr(f"huggingface_hub.constants.{name}", value)
        yield hub
