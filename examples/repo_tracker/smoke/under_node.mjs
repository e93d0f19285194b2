// Runs scenario.py under Pyodide, against a server on a loopback socket, and prints what came of it as a line of JSON.
// Arguments: the folder of the installed Pyodide, and the folders of the Python packages that the Worker needs.
import { createServer } from "node:http";
import { basename } from "node:path";
import { fileURLToPath, pathToFileURL } from "node:url";
import { gzipSync } from "node:zlib";

const [folder, ...packages] = process.argv.slice(2);
const worker = fileURLToPath(new URL("..", import.meta.url));

const seen = { requests: 0, active: 0, peak: 0, agents: [], cancelled: [] };

const send = (response, status, body, headers = {}) =>
  response.writeHead(status, { "content-type": "application/json", ...headers }).end(body);

// A repository `octo/r<number>`, compressed as GitHub compresses it.
const repository = (request, response) => {
  const number = Number(/r(\d+)$/.exec(request.url)?.[1]);
  const etag = `"${number}"`;
  if (request.headers["if-none-match"] === etag) return response.writeHead(304).end();
  if (number === 13) return send(response, 404, '{"message": "Not Found"}');
  const described = {
    id: number, full_name: `octo/r${number}`, description: null, language: "Python", stargazers_count: number,
    forks_count: 1, open_issues_count: 2, archived: false, pushed_at: null,
  };
  send(response, 200, gzipSync(JSON.stringify(described)), { etag, "content-encoding": "gzip" });
};

// What goes wrong; `cancelled` notes whose answer the Worker did not want to its end.
const odd = {
  "/repos/octo/renamed": (response) => response.writeHead(301, { location: "/repos/octo/r1" }).end("x".repeat(5e5)),
  "/slow": (response) => response.on("close", () => seen.cancelled.push("slow")),
  "/cut-off": (response) => response.writeHead(200, { "content-length": 1000 }).write("{", () => response.destroy()),
  "/bomb": (response) => send(response, 200, gzipSync(Buffer.alloc(1e7)), { "content-encoding": "gzip" }),
  "/endless": (response) => {
    const more = () => { while (response.writable && response.write("x".repeat(65536))); };
    response.on("drain", more).on("close", () => seen.cancelled.push("endless"));
    more();
  },
};

const server = createServer((request, response) => {
  if (odd[request.url]) return odd[request.url](response);
  seen.requests += 1;
  seen.active += 1;
  seen.peak = Math.max(seen.peak, seen.active);
  if (!seen.agents.includes(request.headers["user-agent"])) seen.agents.push(request.headers["user-agent"]);
  // Later, so that requests overlap as they do on a network.
  setTimeout(() => {
    seen.active -= 1;
    repository(request, response);
  }, 5);
});
await new Promise((listening) => server.listen(0, "127.0.0.1", listening));

try {
  const { loadPyodide } = await import(pathToFileURL(`${folder}/node_modules/pyodide/pyodide.mjs`));
  const pyodide = await loadPyodide({ stdout: () => {} }); // the Worker's own log lines
  const mount = (root, path) => {
    pyodide.FS.mkdirTree(path);
    pyodide.FS.mount(pyodide.FS.filesystems.NODEFS, { root }, path);
  };
  mount(worker, "/worker");
  for (const root of packages) mount(root, `/packages/${basename(root)}`);
  pyodide.runPython("import sys; sys.path[:0] = ['/worker/src', '/worker/smoke', '/packages']");
  const { port } = server.address();
  pyodide.globals.set("base_url", `http://127.0.0.1:${port}`);
  const outcome = await pyodide.runPythonAsync("import scenario; await scenario.run(base_url)");
  // The server hears of a cancellation in its own time; who never cancels waits here until the test gives up.
  while (seen.cancelled.length < 2) await new Promise((turn) => setTimeout(turn, 1));
  console.log(JSON.stringify({ ...JSON.parse(outcome), server: seen }));
} catch (error) {
  console.error(error.message ?? String(error)); // the traceback of Python, without the source of Pyodide around it
  process.exitCode = 1;
} finally {
  server.close();
  server.closeAllConnections();
}
