"""The recorded requests of Segment's libraries, to the byte, and what each says, read apart from the product."""

import gzip
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

CLIENTS = Path(__file__).parents[1] / "inputs" / "clients"
RECORDED_KEY = "WRITE_KEY"  # what stood where the key belongs
_OURS = {"host", "content-length", "authorization"}  # headers that are written anew, as the key and the place differ


@dataclass(frozen=True, slots=True, kw_only=True)
class Recorded:
    """One request."""

    library: str  # the file's name
    method: str
    path: str
    headers: list[tuple[str, str]]
    body: dict[str, Any]  # what it says
    is_gzipped: bool
    length: int  # bytes before gzip, as recorded

    def text(self, key: str = RECORDED_KEY) -> bytes:
        """The body before gzip, with another key in its place: as this library writes JSON."""
        compact = {"separators": (",", ":"), "ensure_ascii": False} if "node" in self.library else {}
        return json.dumps(self.body, **compact).replace(RECORDED_KEY, key).encode()  # type: ignore[arg-type]  # options

    def bytes(self, authorization: str, key: str) -> bytes:
        """The request as it went over the wire, but for key and host."""
        body = gzip.compress(self.text(key)) if self.is_gzipped else self.text(key)
        kept = [f"{name}: {value}" for name, value in self.headers if name.lower() not in _OURS]
        told = [f"{self.method} {self.path} HTTP/1.1", "Host: gateway", *kept, f"Authorization: {authorization}"]
        return "\r\n".join([*told, f"Content-Length: {len(body)}", "", ""]).encode() + body


def recorded() -> Iterator[Recorded]:
    """Every recorded request."""
    for file in sorted(CLIENTS.glob("*.json")):
        for request in json.loads(file.read_text()):
            yield Recorded(
                library=file.stem,
                method=request["method"],
                path=request["path"],
                headers=[(name, value) for name, value in request["headers"]],
                body=request["body"],
                is_gzipped=request["gzip"],
                length=request["body_len"],
            )
