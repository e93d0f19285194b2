"""GitHub, asked for everything at once."""

import asyncio
from typing import Any

import httpx

Repository = dict[str, Any]


class GitHub:
    """Ask GitHub for repositories.

    Args:
        client: The client to send with; its base URL is that of the API.
        timeout_s: Seconds after which a request is given up.
    """

    def __init__(self, client: httpx.AsyncClient, timeout_s: float = 30.0) -> None:
        self._client = client
        self._timeout_s = timeout_s

    async def repository(self, name: str) -> Repository:
        """Fetch one."""
        response = await self._client.get(f"/repos/{name}", follow_redirects=True, timeout=self._timeout_s)
        response.raise_for_status()
        repository: Repository = response.json()
        return repository

    async def repositories(self, names: list[str]) -> list[Repository]:
        """Fetch many, all at once."""
        return await asyncio.gather(*(self.repository(name) for name in names))

    async def repositories_in_turn(self, names: list[str]) -> list[Repository]:
        """Fetch many, one after the other, because all at once was too much."""
        return [await self.repository(name) for name in names]

    async def whichever_come(self, names: list[str]) -> list[Repository]:
        """Fetch many, and forget about those that fail."""
        results = await asyncio.gather(*(self.repository(name) for name in names), return_exceptions=True)
        return [result for result in results if isinstance(result, dict)]

    async def exists(self, name: str) -> bool:
        """Tell whether there is a repository; its description is not needed for that."""
        request = self._client.build_request("GET", f"/repos/{name}")
        response = await self._client.send(request, stream=True)
        return response.status_code == httpx.codes.OK

    async def sizes(self, names: list[str]) -> list[int]:
        """Tell how long the descriptions are: open them all, then read one after the other."""
        requests = [self._client.build_request("GET", f"/repos/{name}") for name in names]
        responses = [await self._client.send(request, stream=True) for request in requests]
        return [len(await response.aread()) for response in responses]

    async def patiently(self, name: str, attempts: int = 10) -> Repository | None:
        """Fetch one, and try again at once if that fails, whatever GitHub says."""
        for _ in range(attempts):
            try:
                return await self.repository(name)
            except httpx.HTTPError:
                continue
        return None

    async def search(self, query: str, pages: int = 3) -> list[Repository]:
        """Find repositories, and fetch the details of each: only they have the number of its subscribers."""
        found: list[Repository] = []
        for page in range(1, pages + 1):
            response = await self._client.get("/search/repositories", params={"q": query, "page": page})
            for item in response.json()["items"]:
                found.append(await self.repository(item["full_name"]))
        return found
