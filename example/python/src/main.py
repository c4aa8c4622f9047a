"""A small notes service: an ASGI application for uvicorn."""
import json

from .settings import load
from .storage import libpq_version, open_notes

MAX_BODY = 64 * 1024

settings = load()
notes = open_notes(settings)


class BadRequest(Exception):
    pass


async def read_body(receive) -> bytes:
    body = b""
    while True:
        message = await receive()
        body += message.get("body", b"")
        if len(body) > MAX_BODY:
            raise BadRequest("body too large")
        if not message.get("more_body"):
            return body


async def answer(send, status: int, value) -> None:
    headers = [(b"content-type", b"application/json")]
    await send({"type": "http.response.start", "status": status, "headers": headers})
    await send({"type": "http.response.body", "body": json.dumps(value).encode() + b"\n"})


def parse_note(body: bytes) -> str:
    try:
        text = json.loads(body)["text"]
    except (ValueError, KeyError, TypeError) as error:
        raise BadRequest("want a JSON object with a text") from error
    if not isinstance(text, str):
        raise BadRequest("text is not a string")
    return text


async def route(method: str, path: str, receive):
    if (method, path) == ("GET", "/healthz"):
        return 200, {"status": "ok", "storage": notes.kind, "libpq": libpq_version()}
    if (method, path) == ("GET", "/notes"):
        return 200, notes.all()
    if (method, path) == ("POST", "/notes"):
        return 201, notes.add(parse_note(await read_body(receive)))
    return 404, {"error": "not found"}


async def lifespan(receive, send) -> None:
    while True:
        kind = (await receive())["type"]
        await send({"type": kind + ".complete"})
        if kind == "lifespan.shutdown":
            return


async def app(scope, receive, send) -> None:
    if scope["type"] == "lifespan":
        await lifespan(receive, send)
        return
    try:
        status, value = await route(scope["method"], scope["path"], receive)
    except BadRequest as error:
        status, value = 400, {"error": str(error)}
    await answer(send, status, value)
