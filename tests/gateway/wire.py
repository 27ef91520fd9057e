"""HTTP as bytes on a socket: what no client library would send, and what came back, read strictly."""

import socket
from collections.abc import Mapping
from dataclasses import dataclass
from http.client import HTTPResponse
from io import BufferedReader
from typing import Any, cast

import orjson

PATIENCE = 15.0  # seconds for an answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer."""

    status: int
    headers: Mapping[str, str]  # by lower-case name
    body: bytes

    @property
    def json(self) -> Any:  # noqa: ANN401 -- JSON
        """The body, which must be JSON."""
        return orjson.loads(self.body)

    @property
    def is_plain_refusal(self) -> bool:
        """Whether it is an error in the one shape: JSON with a code and a message, both text."""
        told = self.json
        return (
            400 <= self.status < 600
            and isinstance(told, dict)
            and all(isinstance(told.get(name), str) and told[name] for name in ("code", "message"))
            and "Traceback" not in told["message"]
        )


class _Borrowed:
    """A socket for ``HTTPResponse``, which would close the file that the next answer is read from."""

    def __init__(self, file: BufferedReader) -> None:
        self._file = file

    def makefile(self, _mode: str) -> "_Borrowed":
        return self

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401 -- the file's
        return getattr(self._file, name)

    def flush(self) -> None:
        """Nothing is written."""

    def close(self) -> None:
        """Leave it open for the next answer."""


def post(path: str, body: bytes, *headers: str, key: str | None = None, version: str = "1.1") -> bytes:
    """One request, with its length, and with the key in Bearer where one is given."""
    told = [f"POST {path} HTTP/{version}", "Host: gateway", f"Content-Length: {len(body)}", *headers]
    if key is not None:
        told.append(f"Authorization: Bearer {key}")
    return "\r\n".join([*told, "", ""]).encode() + body


def exchange(port: int, *said: bytes, answers: int = 1, hang_up: bool = False, method: str = "POST") -> list[Answer]:
    """Say some bytes on a fresh connection and read so many answers; fewer when the other side closes it."""
    with socket.create_connection(("127.0.0.1", port), PATIENCE) as connection:
        for each in said:
            connection.sendall(each)
        if hang_up:
            connection.shutdown(socket.SHUT_WR)
        with connection.makefile("rb") as file:
            heard = (_answer(file, method) for _ in range(answers))
            return [answer for answer in heard if answer is not None]


def _answer(file: BufferedReader, method: str) -> Answer | None:
    if not file.peek(1):
        return None
    response = HTTPResponse(cast("socket.socket", _Borrowed(file)), method=method)
    response.begin()
    headers = {name.lower(): value for name, value in response.getheaders()}
    return Answer(status=response.status, headers=headers, body=response.read())
