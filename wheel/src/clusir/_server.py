from __future__ import annotations

import email.utils
import json
import signal
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.parse
import urllib.request
from types import TracebackType
from typing import Any, IO

from ._program import Array, Error, options, program, through


class Server:
    """A clusir process that keeps its network loaded.

    Without arguments it starts `clusir serve` on a free local port; close, or the end of
    a with statement, stops it. url is the address of a running server, and token its
    token. flags are passed to clusir serve, such as "--threads", "4". Several threads may
    use one Server: their pictures are restored one after another."""

    def __init__(self, *flags: str, url: str | None = None, token: str | None = None, timeout: float = 600) -> None:
        self._process: subprocess.Popen[str] | None = None
        self._token, self._timeout = (token or "").strip(), timeout
        # No proxy can reach a server on this machine.
        proxies = [] if url is not None else [urllib.request.ProxyHandler({})]
        self._open = urllib.request.build_opener(*proxies).open
        if url is None:
            url = self._start(flags)
        elif flags:
            raise ValueError("flags start a server, and url names a running one: leave one out")
        if not url.startswith(("http://", "https://")):
            raise ValueError(f"url {url}: begin it with http:// or https://")
        self.url = url.rstrip("/")

    def _start(self, flags: tuple[str, ...]) -> str:
        command = [program(), "serve", "--addr", "127.0.0.1:0", *flags]
        group = 0
        if sys.platform == "win32":  # only a process in its own group can receive CTRL_BREAK
            group = subprocess.CREATE_NEW_PROCESS_GROUP
        self._process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, encoding="utf-8", errors="replace", creationflags=group
        )
        assert self._process.stdout is not None and self._process.stderr is not None
        self._said: list[str] = []
        self._listener = threading.Thread(target=self._listen, args=(self._process.stderr,), daemon=True)
        self._listener.start()
        line = self._process.stdout.readline()
        at = line.find("http://")
        if at < 0:
            self.close()
            raise Error("".join(self._said).strip().removeprefix("clusir: ") or "clusir serve did not print its address")
        return line[at:].strip()

    def _listen(self, stderr: IO[str]) -> None:
        for line in stderr:
            self._said = [*self._said[-50:], line]

    def restore(
        self,
        image: Array,
        *,
        model: str | None = None,
        strength: float | None = None,
        tile: int | str | None = None,
        max_pixels: int | None = None,
    ) -> Array:
        """Do what clusir.restore does, with this server."""
        query = urllib.parse.urlencode({"format": "tif", **options(model, strength, tile, max_pixels)})
        return through(image, lambda file: self._ask(f"/v1/restore?{query}", file))

    def models(self) -> list[dict[str, Any]]:
        """Return the models that restore can use, the default first."""
        answer: dict[str, Any] = json.loads(self._ask("/v1/models"))
        return list(answer["models"])

    def _ask(self, path: str, body: bytes | None = None) -> bytes:
        """Send a request, and retry while the server's queue is full."""
        headers = {"Content-Type": "image/tiff"} if body is not None else {}
        if self._token:
            headers["Authorization"] = f"Bearer {self._token}"
        end = time.monotonic() + self._timeout
        while True:
            try:
                request = urllib.request.Request(self.url + path, data=body, headers=headers)
                with self._open(request, timeout=self._timeout) as answer:
                    data: bytes = answer.read()
                    return data
            except urllib.error.HTTPError as e:
                wait = _wait(e.headers.get("Retry-After", ""))
                with e:
                    message = _message(e.read()) or str(e)
                if e.code not in (429, 503, 507) or time.monotonic() + wait > end:
                    raise Error(message) from None
                time.sleep(wait)
            except (urllib.error.URLError, ConnectionError, TimeoutError) as e:
                raise Error(f"no answer from {self.url}: {getattr(e, 'reason', e)}") from None

    def close(self) -> None:
        """Stop a server that was started here, once it has finished its pictures."""
        if self._process is None:
            return
        if sys.platform == "win32":
            try:
                self._process.send_signal(signal.CTRL_BREAK_EVENT)
            except OSError:  # no console: there is no other way to ask
                self._process.terminate()
        else:
            self._process.terminate()
        self._process.wait()
        self._listener.join()
        for pipe in (self._process.stdout, self._process.stderr):
            if pipe is not None:
                pipe.close()
        self._process = None

    def __enter__(self) -> Server:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None) -> None:
        self.close()


def _wait(after: str) -> float:
    """Return the seconds to wait by a Retry-After header: seconds, or an HTTP date."""
    try:
        seconds = float(after)
    except ValueError:
        try:
            seconds = email.utils.parsedate_to_datetime(after).timestamp() - time.time()
        except (TypeError, ValueError):
            seconds = 1
    return max(0.1, seconds)


def _message(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError):
        return ""
