"""What each rule means, and the lines of code that mend it."""

from typing import Final

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
        "response = await client.get(url, params={{'per_page': 100}})  # many things in one request,",
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
        "async for chunk in response.aiter_bytes(): ...  # a stream, in place of await response.aread()",
        "for page in pages: ...  # one after another, in place of a list of all",
    ),
    "cpu-time": (
        "do less per invocation: pages instead of everything, and the rest through a queue,",
        "or raise the budget of the paid plan in wrangler: limits = {{ cpu_ms = ... }}",
    ),
    "wall-time": (
        "wait for independent things together: await asyncio.gather(a(), b()),",
        "and leave what the answer does not need to ctx.waitUntil(...), or to a queue",
    ),
}
"""Two lines for each rule; `{limit}` stands for the connections in force."""

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


def fix(rule: Rule, limits: Limits) -> str:
    """Return the lines that mend a broken rule, "" where there are none."""
    return "\n".join(line.format(limit=limits.connections) for line in FIXES.get(rule, ()))
