// The Node program between pytest and the Workers runtime: it runs one miniflare and carries messages.
//
//   node bridge.mjs INSTALLATION STORAGE
//
// INSTALLATION is the folder whose node_modules holds miniflare, STORAGE an empty folder for the databases.
// It speaks frames on stdin and stdout: length of the rest (4 bytes, big endian), request id (4 bytes), JSON.
// Id 0 is the bridge's own: {ready: {pid, url, versions}} once, {failed: text} before it ends because it must. Everything else
// goes to the Worker (worker.mjs) unread. What the runtime prints goes to stderr. The end of stdin ends it all.

import { Console } from "node:console";
import { randomBytes } from "node:crypto";
import { readFileSync, rmSync } from "node:fs";
import { createRequire } from "node:module";
import { join } from "node:path";
import { fileURLToPath } from "node:url";

import { PLUGIN } from "./objects.mjs";

// stdout carries frames; nothing else may print there.
globalThis.console = new Console(process.stderr, process.stderr);

const [installation, storage] = process.argv.slice(2);
const require = createRequire(join(installation, "package.json"));
const here = (name) => fileURLToPath(new URL(name, import.meta.url));
const PIECE = 512 * 1024;

let ending = false;
let runtimePid;

// The process id of the runtime, which outlives a bridge that is killed: pytest ends it then.
const childProcess = require("node:child_process");
const { spawn } = childProcess;
childProcess.spawn = (...args) => {
  const child = spawn(...args);
  runtimePid = child.pid;
  return child;
};

function killRuntime() {
  try {
    if (runtimePid !== undefined) process.kill(runtimePid, "SIGKILL");
  } catch {
    // It has ended already.
  }
}

function tell(id, payload) {
  const header = Buffer.alloc(8);
  header.writeUInt32BE(4 + payload.length, 0);
  header.writeUInt32BE(id, 4);
  process.stdout.write(header);
  process.stdout.write(payload);
}

function control(message) {
  tell(0, Buffer.from(JSON.stringify(message)));
}

// Cut a stream of bytes into frames.
function* frames(state, chunk) {
  state.buffered.push(chunk);
  state.length += chunk.length;
  while (state.length >= 4) {
    if (state.buffered[0].length < 4) state.buffered = [Buffer.concat(state.buffered)];
    const size = state.buffered[0].readUInt32BE(0);
    if (state.length < 4 + size) return;
    const whole = Buffer.concat(state.buffered);
    const rest = whole.subarray(4 + size);
    state.buffered = rest.length ? [rest] : [];
    state.length = rest.length;
    yield { id: whole.readUInt32BE(4), payload: whole.subarray(8, 4 + size) };
  }
}

async function start() {
  const { Miniflare, Log, LogLevel } = require("miniflare");
  const token = randomBytes(32).toString("hex");
  const runtimeEnds = [];
  const miniflare = new Miniflare({
    modules: true,
    scriptPath: here("./worker.mjs"),
    modulesRoot: here("."),
    script: readFileSync(here("./worker.mjs"), "utf8"),
    compatibilityDate: "2026-07-30",
    bindings: { TOKEN: token },
    d1Databases: { TEMPLATE: "template" },
    d1Persist: storage,
    unsafeBindings: [{ name: "OBJECTS", type: "namespace", plugin: { name: PLUGIN, package: here("./objects.mjs") }, options: {} }],
    host: "127.0.0.1",
    cf: false,
    log: new Log(LogLevel.WARN),
    handleRuntimeStdio: (stdout, stderr) => {
      for (const stream of [stdout, stderr]) {
        stream.pipe(process.stderr, { end: false });
        runtimeEnds.push(new Promise((resolve) => stream.once("close", resolve)));
      }
    },
  });
  const url = String(await miniflare.ready);
  const response = await miniflare.dispatchFetch("http://bridge/", { headers: { Upgrade: "websocket", "x-bridge-token": token } });
  const socket = response.webSocket;
  if (!socket) throw new Error(`the Worker refused the bridge: HTTP ${response.status} ${await response.text()}`);
  return { miniflare, socket, runtimeEnds, url };
}

async function end(code, miniflare) {
  if (ending) return;
  ending = true;
  // A runtime in the middle of a statement hears nothing less; nobody waits for its answers any more.
  killRuntime();
  setTimeout(() => process.exit(code), 5_000).unref();
  await miniflare?.dispose().catch((error) => console.error(error));
  rmSync(storage, { recursive: true, force: true, maxRetries: 3 });
  process.exit(code);
}

function relay({ miniflare, socket, runtimeEnds }) {
  const partial = new Map();
  socket.accept();
  socket.addEventListener("message", ({ data }) => {
    const frame = Buffer.from(data);
    const id = frame.readUInt32BE(0);
    const pieces = partial.get(id) ?? [];
    pieces.push(frame.subarray(5));
    if (frame[4] === 1) return partial.set(id, pieces);
    partial.delete(id);
    tell(id, Buffer.concat(pieces));
  });
  socket.addEventListener("close", async () => {
    if (ending) return;
    // Its last words first.
    await Promise.race([Promise.all(runtimeEnds), new Promise((resolve) => setTimeout(resolve, 1_000))]);
    control({ failed: "the Workers runtime ended" });
    await end(70, miniflare);
  });
  return (id, payload) => {
    for (let start = 0; start === 0 || start < payload.length; start += PIECE) {
      const header = Buffer.alloc(5);
      header.writeUInt32BE(id, 0);
      header[4] = start + PIECE < payload.length ? 1 : 0;
      socket.send(Buffer.concat([header, payload.subarray(start, start + PIECE)]));
    }
  };
}

const state = { buffered: [], length: 0 };
const early = [];
let running;
let forward = (id, payload) => early.push([id, payload]);
process.stdin.on("data", (chunk) => {
  for (const { id, payload } of frames(state, chunk)) forward(id, payload);
});
process.stdin.on("end", () => end(0, running?.miniflare));
process.stdin.on("error", () => end(0, running?.miniflare));
process.stdout.on("error", () => end(0, running?.miniflare));

try {
  running = await start();
  forward = relay(running);
  for (const [id, payload] of early) forward(id, payload);
  const version = (name) => require(`${name}/package.json`).version;
  const versions = { node: process.version, miniflare: version("miniflare"), workerd: version("workerd") };
  control({ ready: { pid: runtimePid, url: running.url, versions } });
} catch (error) {
  console.error(error);
  control({ failed: `the Workers runtime did not start: ${error.message}` });
  await end(70, running?.miniflare);
}
