"""The files of the page: read once, known by name, nothing else is ever served."""

import hashlib
from dataclasses import dataclass
from importlib.resources import files

from aiohttp import web

TYPES = {
    "html": "text/html",
    "css": "text/css",
    "js": "text/javascript",
    "svg": "image/svg+xml",
    "webmanifest": "application/manifest+json",
}
START = "index.html"


@dataclass(frozen=True)
class Asset:
    """One file."""

    content: bytes
    content_type: str
    tag: str

    def response(self, request: web.Request) -> web.Response:
        headers = {"ETag": self.tag, "Cache-Control": "no-cache"}
        if request.headers.get("If-None-Match") == self.tag:
            return web.Response(status=304, headers=headers)
        return web.Response(
            body=self.content, content_type=self.content_type, charset="utf-8", headers=headers
        )


def read_assets() -> dict[str, Asset]:
    """Return all files of the page by name."""
    found = {}
    for path in files("firmware_py.web").joinpath("static").iterdir():
        kind = TYPES.get(path.name.rpartition(".")[2])
        if kind:
            content = path.read_bytes()
            found[path.name] = Asset(content, kind, f'"{hashlib.sha1(content).hexdigest()}"')
    return found
