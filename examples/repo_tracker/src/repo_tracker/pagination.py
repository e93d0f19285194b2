"""The next page of a listing, as the `Link` header of a response names it.

https://docs.github.com/en/rest/using-the-rest-api/using-pagination-in-the-rest-api (checked 2026-11-24)
"""

import httpx

from repo_tracker.responses import BodyFormatError, ResponseError


def next_page(response: httpx.Response, *, of: httpx.URL) -> httpx.URL | None:
    """Return the address of the next page; None on the last one.

    Args:
        response: A page.
        of: Where the API is. A page elsewhere is refused: the token that is sent along would not belong there.

    Raises:
        ResponseError: It is elsewhere.
        BodyFormatError: It is no address, or that of this very page.
    """
    here = str(response.url)
    links = (link["url"] for link in response.links.values() if "next" in link.get("rel", "").lower().split())
    link = next(links, None)
    if link is None:
        return None
    try:
        url = response.url.join(link)
    except (httpx.InvalidURL, ValueError) as error:  # the latter where Python's own parser gives up
        raise BodyFormatError(url=here, problem=f"the next page is no address: {error}") from error
    if url == response.url:
        raise BodyFormatError(url=here, problem="it is its own next page")
    if (url.scheme, url.netloc) != (of.scheme, of.netloc):
        raise ResponseError(f"the next page of {here} is on another host, {url.host}", url=str(url))
    return url
