"""What each rule means, and the lines of code that mend it."""

from typing import Final

from pytest_cfworkers.guards.connection import Manner
from pytest_cfworkers.in_force import Limits
from pytest_cfworkers.limits import Rule

FIXES: Final[dict[Rule, tuple[str, str]]] = {
    "connections": (
        "slots = asyncio.Semaphore({limit})  # one for the whole invocation",
        "async with slots: response = await client.get(url)",
    ),
    "queued-timeout": (
        "async with slots:  # asyncio.Semaphore({limit}): start the timer when the request has its connection",
        "    async with asyncio.timeout(seconds): response = await client.get(url)",
    ),
    "unread-body": (
        "async with client.stream(method, url) as response: ...  # closes what was not read",
        "await response.aclose()  # or by hand, before it is given up: for a retry, a fallback, an error",
    ),
    "subrequests": (
        "client.get(url, params={{'per_page': 100}})  # many things in one request,",
        "await env.QUEUE.sendBatch(rest)  # and the rest in invocations of their own",
    ),
    "internal-subrequests": (
        "await env.DB.batch(statements)  # one round trip for many statements",
        "await env.KV.get(keys)  # one for up to 100 keys",
    ),
    "d1-queries": (
        "await env.DB.batch(statements)  # one round trip for many statements,",
        "... WHERE id IN (SELECT value FROM json_each(?))  -- or one statement for many values",
    ),
    "memory": (
        "response.iter_bytes() or .aiter_bytes()  # a stream, in place of the whole body",
        "for page in pages: ...  # one after another, in place of a list of all",
    ),
    "cpu-time": (
        "do less per invocation: pages, not everything; the rest through a queue,",
        "or raise the paid plan's budget in wrangler: limits = {{ cpu_ms = ... }}",
    ),
    "wall-time": (
        "wait for independent things together, by a gather or a task group,",
        "and leave what the answer does not need to ctx.waitUntil(...) or a queue",
    ),
}
"""Two lines for each rule; `{limit}` stands for the connections in force."""

_OTHERWISE: Final[dict[tuple[Rule, Manner], tuple[str, str]]] = {
    ("connections", "trio"): (
        "slots = trio.CapacityLimiter({limit})  # one for the whole invocation",
        "async with slots: response = await client.get(url)",
    ),
    ("connections", "thread"): (
        "pool = ThreadPoolExecutor(max_workers={limit})  # one for the whole invocation",
        "responses = list(pool.map(client.get, urls))",
    ),
    ("queued-timeout", "trio"): (
        "async with slots:  # trio.CapacityLimiter({limit}): start the timer when the request has its connection",
        "    with trio.fail_after(seconds): response = await client.get(url)",
    ),
    ("queued-timeout", "thread"): (
        "with slots:  # threading.Semaphore({limit}): start the timer when the request has its connection",
        "    response = client.get(url, timeout=seconds)",
    ),
    ("unread-body", "thread"): (
        "with client.stream(method, url) as response: ...  # closes what was not read",
        "response.close()  # or by hand, before it is given up: for a retry, a fallback, an error",
    ),
}
"""The lines where those above would not run: they are written for asyncio."""

_MEANINGS: Final[dict[Rule, str]] = {
    "connections": "More connections at once than a Worker has: the next one waits until one is free.",
    "queued-timeout": "A request ran out of its own time while it waited for a connection, and was never sent.",
    "unread-body": "A response body was neither read to its end nor closed.",
    "subrequests": "More external requests than one invocation may send; each hop of a redirect counts.",
    "internal-subrequests": "More calls of Cloudflare's services than one invocation may make.",
    "d1-queries": "More D1 queries and batches than one invocation may make.",
    "memory": "More memory than a Worker has.",
    "cpu-time": "More CPU time than the invocation was given.",
    "wall-time": "The invocation took longer than it was given.",
}


def meaning(rule: Rule) -> str:
    """Say in a sentence what it means that a rule is broken."""
    return _MEANINGS[rule]


def fitting(rule: Rule, manner: Manner) -> tuple[str, str]:
    """Return the two lines that mend a rule in code that sends its requests in a given manner."""
    return _OTHERWISE.get((rule, manner), FIXES[rule])


def fix(rule: Rule, limits: Limits) -> str:
    """Return the lines that mend a broken rule, "" where there are none."""
    return "\n".join(line.format(limit=limits.connections) for line in FIXES.get(rule, ()))
