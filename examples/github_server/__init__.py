"""A GitHub for tests: a real HTTP server in its own process that answers as GitHub's REST API does.

```
                  process ── starts ──> __main__ ──> wire ──┬─> faults     what goes wrong with this request
    the tests <──────┘                                      └─> api ──┬─> rate_limits
                                                                      ├─> pages
                                                                      └─> catalogue ──> shapes
```

`GitHub` in `process` is all that a test needs, and `fixtures` has it for pytest. Only `wire` does I/O; everything below
it is called with a request and returns an answer.

The shapes follow GitHub's published description of its REST API, <https://github.com/github/rest-api-description>
(version 2022-11-28), and its pages on pagination, rate limits and conditional requests below
<https://docs.github.com/en/rest/using-the-rest-api>, checked on 2026-11-24.
"""
