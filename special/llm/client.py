"""A language model behind an OpenAI-compatible address: one question, one answer, nothing else.

``POST {url}/chat/completions`` with ``{"model", "messages"}`` is what OpenAI, Ollama, llama.cpp, vLLM, LM Studio and
most gateways understand. Nothing here runs unless the user has given an address.
"""

from __future__ import annotations

import http.client
import json
import os
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit, urlunsplit

from special.errors import LanguageModelError
from special.progress import SILENT, Progress

KEY_VARIABLES = ("SPECIAL_LLM_KEY", "OPENAI_API_KEY")
LONGEST_WAIT = 60.0  # seconds between two attempts, whatever the server asks for
MOST_BYTES = 4_000_000  # of an answer
_TRANSIENT = frozenset({408, 425, 429, 500, 502, 503, 504, 529})

Message = Mapping[str, str]


@dataclass(frozen=True)
class Endpoint:
    """Where a model answers. ``timeout`` in seconds for a whole answer; ``wait`` before the second attempt, then twice.

    ``key`` is sent as bearer token, and shown nowhere.
    """

    url: str
    model: str
    key: str | None = field(default=None, repr=False)
    timeout: float = 120.0
    attempts: int = 4
    wait: float = 1.0

    @classmethod
    def from_user(cls, url: str, model: str, timeout: float = 120.0) -> Endpoint:
        """Check what a user has given, and take the key from the environment.

        Raises:
            LanguageModelError: the address is not one of http or https, or the key cannot be sent.
        """
        key = next((os.environ[name].strip() for name in KEY_VARIABLES if os.environ.get(name, "").strip()), None)
        if key is not None and not (key.isascii() and key.isprintable() and " " not in key):
            raise LanguageModelError(f"the key in {' or '.join(KEY_VARIABLES)} has characters that no key has")
        return cls(completions_url(url), model, key, timeout)


def completions_url(url: str) -> str:
    """Return the address of the completions: ``http://host:1234`` and ``https://host/v1/`` will both do.

    Raises:
        LanguageModelError: it is no address of http or https.
    """
    try:
        parts = urlsplit(url.strip())
        usable = parts.scheme in ("http", "https") and parts.hostname and not parts.username and (parts.port or True)
    except ValueError:
        usable = False
    if not usable:
        raise LanguageModelError(f"{url!r} is no address of a language model: write it like http://localhost:11434/v1")
    path = parts.path.rstrip("/")
    if not path.endswith("/chat/completions"):
        path = f"{path or '/v1'}/chat/completions"
    return urlunsplit((parts.scheme, parts.netloc, path, parts.query, ""))


class _NoRedirects(urllib.request.HTTPRedirectHandler):
    """Follows no redirect: the key is for the address that the user gave, and for no other."""

    def redirect_request(self, *arguments: Any, **named: Any) -> None:
        """Leave the answer as the error that it then is."""


class _Retryable(Exception):
    """This attempt failed, another one may not: why, and after how many seconds the server would like it."""

    def __init__(self, why: str, after: float | None = None) -> None:
        super().__init__(why)
        self.after = after


class LanguageModel:
    """Asks an endpoint, patiently. ``sleep`` is what waits between attempts."""

    def __init__(
        self, endpoint: Endpoint, *, progress: Progress = SILENT, sleep: Callable[[float], None] = time.sleep
    ) -> None:
        self.endpoint = endpoint
        self._progress = progress
        self._sleep = sleep
        handlers: list[Any] = [_NoRedirects]
        if _is_this_machine(urlsplit(endpoint.url).hostname or ""):
            handlers.append(urllib.request.ProxyHandler({}))  # a proxy's localhost is another one
        self._open = urllib.request.build_opener(*handlers).open
        self._structured = True  # until the server refuses a schema

    def complete(self, messages: Sequence[Message], schema: Mapping[str, Any] | None = None) -> str:
        """Return the model's next message.

        Args:
            messages: the conversation so far, each with a ``role`` and a ``content``.
            schema: of the JSON that the answer should be, for servers that can hold a model to one. Others are asked
                without, so the answer has to be checked in any case.

        Raises:
            LanguageModelError: the server cannot be reached, refuses, or keeps failing.
        """
        where, wait = self.endpoint.url, self.endpoint.wait
        for attempt in range(1, self.endpoint.attempts + 1):
            try:
                return self._once(messages, schema)
            except _Retryable as trouble:
                if attempt == self.endpoint.attempts:
                    raise LanguageModelError(f"{where} failed {attempt} times, at last with: {trouble}") from None
                pause = min(trouble.after if trouble.after is not None else wait, LONGEST_WAIT)
                self._progress.say(f"{where}: {trouble}; attempt {attempt + 1} in {pause:g} s")
                self._sleep(pause)
                wait *= 2
        raise AssertionError("an endpoint has at least one attempt")

    def _once(self, messages: Sequence[Message], schema: Mapping[str, Any] | None) -> str:
        payload: dict[str, Any] = {"model": self.endpoint.model, "messages": [dict(m) for m in messages]}
        if schema is not None and self._structured:
            json_schema = {"name": "answer", "schema": schema}
            payload["response_format"] = {"type": "json_schema", "json_schema": json_schema}
        try:
            return self._without_key(_message(self._post(payload)))
        except urllib.error.HTTPError as error:
            with error:
                if "response_format" in payload and error.code in (400, 422, 501):
                    self._structured = False
                    return self._once(messages, None)
                raise self._refusal(error) from None
        except (TimeoutError, ConnectionError, http.client.HTTPException, urllib.error.URLError) as error:
            raise self._unreached(error) from None

    def _post(self, payload: Mapping[str, Any]) -> bytes:
        """Send one request; the whole answer has ``timeout`` seconds, even where it comes byte by byte."""
        headers = {"Content-Type": "application/json", "Accept": "application/json", "User-Agent": "special-hsi"}
        request = urllib.request.Request(self.endpoint.url, json.dumps(payload).encode(), headers)
        if self.endpoint.key is not None:
            request.add_unredirected_header("Authorization", f"Bearer {self.endpoint.key}")
        deadline = time.monotonic() + self.endpoint.timeout
        body = b""
        with self._open(request, timeout=self.endpoint.timeout) as response:
            while part := response.read1(65536):
                body += part
                if time.monotonic() > deadline:
                    raise TimeoutError
                if len(body) > MOST_BYTES:
                    raise LanguageModelError(f"{self.endpoint.url} answers with more than {MOST_BYTES} bytes")
        return body

    def _unreached(self, error: Exception) -> Exception:
        reason = error.reason if isinstance(error, urllib.error.URLError) else error
        if isinstance(reason, TimeoutError):
            return _Retryable(f"no answer within {self.endpoint.timeout:g} s")
        if isinstance(reason, ConnectionResetError | BrokenPipeError | http.client.HTTPException):
            return _Retryable(f"the connection broke off ({type(reason).__name__})")
        detail = getattr(reason, "strerror", None) or reason
        return LanguageModelError(f"no language model answers at {self.endpoint.url} ({detail}): check --llm-url")

    def _refusal(self, error: urllib.error.HTTPError) -> Exception:
        detail = self._server_message(error)
        if error.code in _TRANSIENT:
            return _Retryable(f"HTTP {error.code}{detail}", _seconds(error.headers.get("Retry-After")))
        where = self.endpoint.url
        if error.code in (401, 403):
            return LanguageModelError(
                f"{where} wants another key (HTTP {error.code}){detail}: put it into the environment variable "
                f"{KEY_VARIABLES[0]}"
            )
        if error.code == 404:
            return LanguageModelError(
                f"{where} knows no such address or no model {self.endpoint.model!r} (HTTP 404){detail}: check "
                "--llm-url and --llm-model"
            )
        if 300 <= error.code < 400:
            to = self._without_key(error.headers.get("Location", "another address"))
            return LanguageModelError(f"{where} sends on to {to}: give that address, if you trust it, as --llm-url")
        return LanguageModelError(f"{where} refuses the question (HTTP {error.code}){detail}")

    def _server_message(self, error: urllib.error.HTTPError) -> str:
        """What the server says, in a few words, without the key that it may echo."""
        try:
            text = error.read(20_000).decode("utf-8", "replace")
        except (OSError, http.client.HTTPException):
            return ""
        try:
            content = json.loads(text)["error"]
            text = content["message"] if isinstance(content, dict) else str(content)
        except (ValueError, KeyError, TypeError, RecursionError):
            pass
        text = " ".join(self._without_key(str(text)).split())[:200]
        return f": {text}" if text else ""

    def _without_key(self, text: str) -> str:
        return text if self.endpoint.key is None else text.replace(self.endpoint.key, "...")


def _is_this_machine(host: str) -> bool:
    return host in ("localhost", "::1") or host.startswith("127.")


def _message(body: bytes) -> str:
    """Return the text of a completion."""
    try:
        choice = json.loads(body)["choices"][0]
        content = choice["message"]["content"]
    except (ValueError, KeyError, IndexError, TypeError, RecursionError):
        raise _Retryable("the answer is no chat completion in JSON") from None
    if isinstance(content, list):  # some servers send it in parts
        content = "".join(str(part.get("text", "")) for part in content if isinstance(part, dict))
    if not isinstance(content, str) or not content.strip():
        raise _Retryable("the answer is empty")
    if choice.get("finish_reason") == "length":
        raise LanguageModelError("the model stopped at its length limit: raise the server's limit, or take another")
    return content


def _seconds(retry_after: str | None) -> float | None:
    """Read a Retry-After header in seconds; its other form, a date, is left to the ordinary wait."""
    try:
        return max(0.0, float(retry_after)) if retry_after else None
    except ValueError:
        return None
