"""A server on this machine that speaks the protocol of language models, and misbehaves as told."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any


@dataclass
class Request:
    """What the server was asked."""

    path: str
    headers: dict[str, str]
    body: dict[str, Any]

    @property
    def said(self) -> str:
        """The last message."""
        return self.body["messages"][-1]["content"]


@dataclass
class Reply:
    """What the server answers. ``body`` None: it closes the connection; ``hang``: it says nothing until the end."""

    body: Any = None
    status: int = 200
    headers: dict[str, str] = field(default_factory=dict)
    hang: bool = False
    drip: bool = False


def says(text: Any, finish: str = "stop") -> Reply:
    return Reply({"choices": [{"message": {"role": "assistant", "content": text}, "finish_reason": finish}]})


class Server:
    """Answers with ``replies`` in turn, or with what ``respond`` makes of a request."""

    def __init__(self, http: ThreadingHTTPServer) -> None:
        self.url = f"http://127.0.0.1:{http.server_port}/v1"
        self.requests: list[Request] = []
        self.replies: list[Reply] = []
        self.respond: Callable[[Request], Reply] = lambda request: self.replies.pop(0)
        self.over = threading.Event()


@contextmanager
def serve() -> Iterator[Server]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            server.requests.append(Request(self.path, dict(self.headers), body))
            reply = server.respond(server.requests[-1])
            if reply.hang:
                server.over.wait(30)
            if reply.hang or reply.body is None:
                self.close_connection = True
                return
            data = reply.body if isinstance(reply.body, bytes) else json.dumps(reply.body).encode()
            self.send_response(reply.status)
            for name, value in {"Content-Length": str(len(data)), **reply.headers}.items():
                self.send_header(name, value)
            self.end_headers()
            for start in range(0, len(data), 1) if reply.drip else ():
                if server.over.wait(0.05):
                    return
                self.wfile.write(data[start : start + 1])
            if not reply.drip:
                self.wfile.write(data)

        def log_message(self, *arguments: Any) -> None:
            pass

        def do_GET(self) -> None:
            server.requests.append(Request(self.path, dict(self.headers), {}))
            self.send_error(500)

    class Quiet(ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *arguments: Any) -> None:
            pass  # a client that has given up is no news

    http = Quiet(("127.0.0.1", 0), Handler)
    server = Server(http)
    threading.Thread(target=http.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
    try:
        yield server
    finally:
        server.over.set()
        http.shutdown()
        http.server_close()
