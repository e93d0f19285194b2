"""What clients do, to be done with and without the guard: `SCENARIOS` are run, `portrait` tells what came of it."""

import datetime as dt
import gzip
from collections.abc import AsyncIterator, Callable, Coroutine, Generator, Iterator
from typing import Any, Final

from tests.clients.kit import Kit, settled

Wrap = Callable[[Any], Any]
Scenario = Callable[[Kit, str, Wrap], Coroutine[Any, Any, Any]]
"""Takes the clients, the URL of the server, and what every transport is to be wrapped in."""

SCENARIOS: Final[dict[str, Scenario]] = {}

_OWN: Final = {"stream", "extensions", "request", "history", "next_request"}


def scenario(function: Scenario) -> Scenario:
    """Register a scenario under its name."""
    SCENARIOS[function.__name__] = function
    return function


def portrait(thing: Any) -> Any:
    """All that is public about a response or an exception, as values that can be compared."""
    if isinstance(thing, BaseException):
        error: dict[str, Any] = {"raised": type(thing), "text": str(thing)}
        if hasattr(thing, "_request"):
            error["request"] = portrait(thing._request)
        if isinstance(thing.__cause__, BaseException):
            error["cause"] = portrait(thing.__cause__)
        return error
    if type(thing).__name__ == "Response":
        return {
            **_public(thing),
            "extensions": sorted(thing.extensions),
            "request": portrait(thing.request),
            "history": [portrait(earlier) for earlier in thing.history],
            "next_request": portrait(thing.next_request),
        }
    if type(thing).__name__ == "Request":
        return {"method": thing.method, "url": str(thing.url), "headers": thing.headers.multi_items()}
    if isinstance(thing, dict):
        return {key: portrait(value) for key, value in thing.items()}
    if isinstance(thing, (list, tuple)):
        return [portrait(item) for item in thing]
    return thing


def _public(response: Any) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in dir(response):
        if name.startswith("_") or name in _OWN:
            continue
        try:
            value = getattr(response, name)
        except Exception as error:  # noqa: BLE001 - what an attribute raises is part of the picture
            found[name] = (type(error), str(error))
            continue
        if isinstance(value, dt.timedelta):
            found[name] = "some time"
        elif name == "cookies":
            found[name] = dict(value)
        elif name == "headers":
            found[name] = value.multi_items()
        elif not callable(value):
            found[name] = value if isinstance(value, (str, bytes, int, bool, type(None))) else str(value)
    return found


def differences(without: Any, guarded: Any, path: str = "") -> Iterator[str]:
    """Yield where two pictures differ."""
    if isinstance(without, dict) and isinstance(guarded, dict):
        for key in without.keys() | guarded.keys():
            yield from differences(without.get(key, "nothing"), guarded.get(key, "nothing"), f"{path}.{key}")
    elif isinstance(without, list) and isinstance(guarded, list) and len(without) == len(guarded):
        for index, pair in enumerate(zip(without, guarded, strict=True)):
            yield from differences(*pair, f"{path}[{index}]")
    elif without != guarded:
        yield f"{path}: {without!r}, guarded {guarded!r}"


async def attempt(doing: Any) -> Any:
    """Do something; return the exception where it raises one."""
    try:
        return await settled(doing() if callable(doing) else doing)
    except Exception as error:  # noqa: BLE001 - to be compared
        return error


def network(kit: Kit) -> Any:
    """The transport of the library over the network."""
    made = kit.library.AsyncHTTPTransport if kit.asynchronous else kit.library.HTTPTransport
    return made(verify=False, trust_env=False)


PATHS: Final = (
    *("plain", "json", "latin", "status/201", "status/404", "status/500", "status/204", "status/304", "empty"),
    *("chunked", "large", "gzip", "not-gzip", "redirect/3", "loop", "away", "cookie/7"),
    *("truncated", "hang-up", "reset", "nonsense", "missing"),
)


def _get(path: str) -> Scenario:
    async def get(kit: Kit, url: str, wrap: Wrap) -> Any:
        async with kit.client(wrap(network(kit)), max_redirects=5) as client:
            plain = await attempt(lambda: client.get(f"{url}/{path}"))
            followed = await attempt(lambda: client.get(f"{url}/{path}", follow_redirects=True))
            return [portrait(plain), portrait(followed), dict(client.cookies), client.is_closed]

    return get


for _path in PATHS:
    SCENARIOS[f"get {_path}"] = _get(_path)


def _method(method: str) -> Scenario:
    async def send(kit: Kit, url: str, wrap: Wrap) -> Any:
        async with kit.client(wrap(network(kit))) as client:
            content = None if method in {"GET", "HEAD"} else b"sent"
            return [
                portrait(await attempt(lambda path=path: client.request(method, f"{url}/{path}", content=content)))
                for path in ("echo", "plain", "gzip", "redirect/1")
            ]

    return send


for _name in ("HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS"):
    SCENARIOS[f"method {_name}"] = _method(_name)


def _iterated(way: str, *arguments: Any) -> Scenario:
    async def iterate(kit: Kit, url: str, wrap: Wrap) -> Any:
        found = []
        async with kit.client(wrap(network(kit))) as client:
            for path in ("plain", "chunked", "gzip", "latin", "large", "truncated", "not-gzip", "empty", "status/204"):
                response = await kit.opened(client, f"{url}/{path}")
                found.append(portrait(response))
                got: list[Any] = []
                try:
                    got += [part async for part in kit.parts(response, way, *arguments)]
                except Exception as error:  # noqa: BLE001 - to be compared
                    found.append(portrait(error))
                joined = "".join(got) if got and isinstance(got[0], str) else b"".join(got)
                found += [joined, portrait(response)]
                found.append(portrait(await attempt(lambda response=response: kit.read(response))))
                await kit.close(response)
                found.append(portrait(response))
        return found

    return iterate


SCENARIOS["iter_bytes"] = _iterated("iter_bytes")
SCENARIOS["iter_bytes by 3"] = _iterated("iter_bytes", 3)
SCENARIOS["iter_raw"] = _iterated("iter_raw")
SCENARIOS["iter_text"] = _iterated("iter_text")
SCENARIOS["iter_lines"] = _iterated("iter_lines")


@scenario
async def broken_off(kit: Kit, url: str, wrap: Wrap) -> Any:
    found = []
    async with kit.client(wrap(network(kit))) as client:
        for path in ("plain", "chunked", "gzip"):
            response = await kit.opened(client, f"{url}/{path}")
            parts = kit.parts(response, "iter_bytes", 4)
            found += [await anext(parts), response.is_closed, response.is_stream_consumed]
            await parts.aclose()  # type: ignore[attr-defined]  # an asynchronous generator
            found.append(portrait(await attempt(lambda response=response: kit.read(response))))
            await kit.close(response)
            found.append(portrait(response))
    return found


@scenario
async def read_after_stream(kit: Kit, url: str, wrap: Wrap) -> Any:
    found = []
    async with kit.client(wrap(network(kit))) as client:
        response = await kit.opened(client, f"{url}/gzip")
        found += [await kit.read(response), await kit.read(response), portrait(response)]
        found += [part async for part in kit.parts(response, "iter_bytes", 5)]
        found.append(portrait(await attempt(kit.parts(response, "iter_raw").__anext__)))
    return found


@scenario
async def closed_unread(kit: Kit, url: str, wrap: Wrap) -> Any:
    async with kit.client(wrap(network(kit))) as client:
        response = await kit.opened(client, f"{url}/large")
        before = portrait(response)
        await kit.close(response)
        await kit.close(response)
        after = await attempt(lambda: kit.read(response))
        again = await client.get(f"{url}/plain") if kit.asynchronous else client.get(f"{url}/plain")
        return [before, portrait(after), portrait(response), portrait(again)]


@scenario
async def stream_block(kit: Kit, url: str, wrap: Wrap) -> Any:
    found = []
    async with kit.client(wrap(network(kit))) as client:
        for path in ("plain", "redirect/2", "truncated"):
            block = client.stream("GET", f"{url}/{path}", follow_redirects=True)
            if kit.asynchronous:
                async with block as response:
                    found.append(portrait(await attempt(response.aread)))
            else:
                with block as response:
                    found.append(portrait(await attempt(response.read)))
            found.append(portrait(response))
    return found


@scenario
async def event_hooks(kit: Kit, url: str, wrap: Wrap) -> Any:
    told: list[Any] = []

    async def hear(thing: Any) -> None:
        told.append(portrait(thing))
        if type(thing).__name__ == "Response" and thing.status_code == 200:
            told.append(await kit.read(thing))

    def hear_now(thing: Any) -> None:
        told.append(portrait(thing))
        if type(thing).__name__ == "Response" and thing.status_code == 200:
            told.append(thing.read())

    hooks = {name: [hear if kit.asynchronous else hear_now] for name in ("request", "response")}
    async with kit.client(wrap(network(kit)), event_hooks=hooks, follow_redirects=True) as client:
        return [portrait(await attempt(lambda: client.get(f"{url}/redirect/2"))), told]


@scenario
async def hook_that_raises(kit: Kit, url: str, wrap: Wrap) -> Any:
    def refuse(_: Any) -> None:
        raise ValueError("not this one")

    async def refuse_async(_: Any) -> None:
        raise ValueError("not this one")

    async with kit.client(
        wrap(network(kit)), event_hooks={"response": [refuse_async if kit.asynchronous else refuse]}
    ) as client:
        return portrait(await attempt(lambda: client.get(f"{url}/plain")))


@scenario
async def auth_flow(kit: Kit, url: str, wrap: Wrap) -> Any:
    library: Any = kit.library

    class Signed(library.Auth):  # type: ignore[misc]
        requires_response_body = True

        def auth_flow(self, request: Any) -> Generator[Any, Any, None]:
            response = yield request
            request.headers["authorization"] = f"after {response.status_code} {response.text}"
            yield request

    found = []
    async with kit.client(wrap(network(kit)), follow_redirects=True) as client:
        for auth in (Signed(), ("user", "password")):
            found += [
                portrait(await attempt(lambda path=path, auth=auth: client.get(f"{url}/{path}", auth=auth)))
                for path in ("basic", "echo", "redirect/2")
            ]
        digest = library.DigestAuth("user", "password")
        for path in ("basic", "redirect/2"):  # its headers have a random part
            response = await attempt(lambda path=path: client.get(f"{url}/{path}", auth=digest))
            found.append([response.status_code, response.text, len(response.history), response.num_bytes_downloaded])
    return found


@scenario
async def uploads(kit: Kit, url: str, wrap: Wrap) -> Any:
    def parts() -> Iterator[bytes]:
        yield b"some "
        yield b"parts"

    async def parts_async() -> AsyncIterator[bytes]:
        for part in parts():
            yield part

    def broken() -> Iterator[bytes]:
        yield b"some"
        raise ValueError("no more")

    async def broken_async() -> AsyncIterator[bytes]:
        for part in broken():
            yield part

    made = (parts_async, broken_async) if kit.asynchronous else (parts, broken)
    async with kit.client(wrap(network(kit))) as client:
        return [
            portrait(await attempt(lambda: client.post(f"{url}/echo", content=made[0]()))),
            portrait(await attempt(lambda: client.post(f"{url}/echo", content=made[1]()))),
            portrait(await attempt(lambda: client.post(f"{url}/redirect/1", content=made[0](), follow_redirects=True))),
            portrait(await attempt(lambda: client.post(f"{url}/echo", json={"a": 1}))),
            portrait(await attempt(lambda: client.post(f"{url}/echo", data={"a": "1"}))),
        ]


@scenario
async def wrong_kind_of_upload(kit: Kit, url: str, wrap: Wrap) -> Any:
    async def parts() -> AsyncIterator[bytes]:
        yield b"x"

    def parts_now() -> Iterator[bytes]:
        yield b"x"

    async with kit.client(wrap(network(kit))) as client:
        content = parts_now() if kit.asynchronous else parts()
        return portrait(await attempt(lambda: client.post(f"{url}/echo", content=content)))


@scenario
async def cookies_and_encoding(kit: Kit, url: str, wrap: Wrap) -> Any:
    async with kit.client(
        wrap(network(kit)), cookies={"own": "1"}, default_encoding="latin-1", base_url=url, params={"q": "ü"}
    ) as client:
        first = await attempt(lambda: client.get("/cookie/2", follow_redirects=True))
        second = await attempt(lambda: client.get("/json"))
        third = await attempt(lambda: client.get("/large"))
        return [portrait(first), portrait(second), portrait(third), dict(client.cookies)]


@scenario
async def timeouts(kit: Kit, url: str, wrap: Wrap) -> Any:
    timeout = kit.library.Timeout(5, read=0.05)
    async with kit.client(wrap(network(kit)), timeout=timeout) as client:
        waited = await attempt(lambda: client.get(f"{url}/slow-headers"))
        client.timeout = kit.library.Timeout(5)  # its headers come, however busy the machine is
        response = await kit.opened(client, f"{url}/slow-body")
        response.request.extensions["timeout"]["read"] = 0.05
        stopped = await attempt(lambda: kit.read(response))
        await kit.close(response)
        return [portrait(waited), portrait(stopped), portrait(response)]


@scenario
async def nobody_there(kit: Kit, _: str, wrap: Wrap) -> Any:
    async with kit.client(wrap(network(kit)), timeout=5) as client:
        picture = portrait(await attempt(lambda: client.get("http://127.0.0.1:1/")))
        strange = portrait(await attempt(lambda: client.get("gopher://127.0.0.1:1/")))
        return [picture, strange]


@scenario
async def closed_client(kit: Kit, url: str, wrap: Wrap) -> Any:
    async with kit.client(wrap(network(kit))) as client:
        pass
    return portrait(await attempt(lambda: client.get(f"{url}/plain")))


@scenario
async def loaded_mocks(kit: Kit, _: str, wrap: Wrap) -> Any:
    library: Any = kit.library
    same = library.Response(200, text="always the same object")
    answers = {
        "/text": lambda: library.Response(200, text="grüße"),
        "/json": lambda: library.Response(200, json={"a": [1]}),
        "/html": lambda: library.Response(404, html="<p>"),
        "/bytes": lambda: library.Response(200, content=b"\xff", headers={"content-type": "image/png"}),
        "/none": lambda: library.Response(204),
        "/nothing": lambda: library.Response(200),
        "/gzip": lambda: library.Response(
            200, content=gzip.compress(b"small", mtime=0), headers={"content-encoding": "gzip"}
        ),
        "/on": lambda: library.Response(307, headers={"location": "/text", "set-cookie": "a=b"}, text="on"),
        "/same": lambda: same,
    }

    async def handle(request: Any) -> Any:
        return answers[request.url.path]()

    async with kit.client(wrap(kit.mock(handle)), base_url="http://mock", follow_redirects=True) as client:
        found = [portrait(await attempt(lambda path=path: client.get(path))) for path in [*answers, "/same", "/wrong"]]
        return [*found, dict(client.cookies)]


@scenario
async def streaming_mocks(kit: Kit, _: str, wrap: Wrap) -> Any:
    library: Any = kit.library
    closed: list[str] = []

    async def handle(request: Any) -> Any:
        parts: list[bytes | BaseException] = [b"one", b"two"]
        if request.url.path == "/broken":
            parts.append(library.ReadError("gone"))
        if request.url.path == "/odd":
            parts.append(KeyError("odd"))
        return library.Response(200, stream=kit.body(*parts, closed=lambda: closed.append(request.url.path)))

    found = []
    async with kit.client(wrap(kit.mock(handle)), base_url="http://mock") as client:
        for path in ("/fine", "/broken", "/odd"):
            found.append(portrait(await attempt(lambda path=path: client.get(path))))
            response = await kit.opened(client, path)
            found += [type(await attempt(kit.parts(response).__anext__)), portrait(response)]
            await kit.close(response)
            found += [portrait(response), list(closed)]
    return found


@scenario
async def handlers_that_raise(kit: Kit, _: str, wrap: Wrap) -> Any:
    library: Any = kit.library

    async def handle(request: Any) -> Any:
        if request.url.path == "/timeout":
            raise library.ReadTimeout("slow")
        if request.url.path == "/odd":
            raise ZeroDivisionError("odd")
        return "not a response" if kit.mode == "sync" else library.Response(200, content=iter([b"not asynchronous"]))

    async with kit.client(wrap(kit.mock(handle)), base_url="http://mock") as client:
        return [
            portrait(await attempt(lambda path=path: client.get(path))) for path in ("/timeout", "/odd", "/nothing")
        ]
