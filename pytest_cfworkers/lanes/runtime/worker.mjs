// The Worker that holds the real D1 binding. It runs chains of calls on it, as JavaScript code in a Worker would,
// and answers over one WebSocket. It decides nothing: checks, errors and shapes are the binding's own.
//
// A request is {database, on?, calls, keep?}: `calls` is a list of [method, arguments], run one on the result of the
// other, starting at the database or at the kept object `on`. `keep` stores the last result (a session) under that
// name. {database, forget: true} drops what is kept for a database. An answer is {ok: value} or {error: {...}}.
//
// A frame is: request id (4 bytes, big endian), 1 if more frames of this message follow else 0, a piece of UTF-8 JSON.

const PIECE = 512 * 1024;
const utf8 = new TextEncoder();
const text = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

// A database of any name behind the real D1Database class, whose one ingredient is something with a `fetch`. It does
// what miniflare's own entry Worker of a database does.
function openDatabase(env, name) {
  const D1Database = env.TEMPLATE.constructor;
  return new D1Database({
    fetch: (url, init) => {
      const object = env.OBJECTS.get(env.OBJECTS.idFromName(name));
      return object.fetch(new Request(url, init), { cf: { miniflare: { name } } });
    },
  });
}

class Databases {
  #env;
  #open = new Map();

  constructor(env) {
    this.#env = env;
  }

  // The database and what is kept for it: a Map from name to object.
  get(name) {
    let entry = this.#open.get(name);
    if (entry === undefined) {
      entry = { database: openDatabase(this.#env, name), kept: new Map() };
      this.#open.set(name, entry);
    }
    return entry;
  }

  // Drop a database; returns the stem of its files.
  forget(name) {
    this.#open.delete(name);
    return this.#env.OBJECTS.idFromName(name).toString();
  }
}

function bytesOf(base64) {
  const binary = atob(base64);
  const bytes = new Uint8Array(binary.length);
  for (let i = 0; i < binary.length; i++) bytes[i] = binary.charCodeAt(i);
  return bytes;
}

function base64Of(bytes) {
  let binary = "";
  for (let i = 0; i < bytes.length; i += 0x8000) binary += String.fromCharCode(...bytes.subarray(i, i + 0x8000));
  return btoa(binary);
}

const VIEWS = {
  b: Int8Array, B: Uint8Array, h: Int16Array, H: Uint16Array, i: Int32Array, I: Uint32Array,
  q: BigInt64Array, Q: BigUint64Array, f: Float32Array, d: Float64Array,
};

// A typed array, by the letter that Python's struct module has for its elements.
function viewOf([letter, base64]) {
  return new VIEWS[letter](bytesOf(base64).buffer);
}

// What stands for any other object of Python: it prints as that object does.
function proxyOf({ callable, text }) {
  return Object.assign(callable ? () => undefined : {}, { toString: () => text });
}

// JSON to JavaScript values: an object with one key that starts with $ is a value that JSON lacks.
function decode(value, entry) {
  if (Array.isArray(value)) return value.map((item) => decode(item, entry));
  if (value === null || typeof value !== "object") return value;
  const [kind, inner] = Object.entries(value)[0] ?? [""];
  switch (kind) {
    case "$undefined":
      return undefined;
    case "$number":
      return Number(inner);
    case "$bigint":
      return BigInt(inner);
    case "$view":
      return viewOf(inner);
    case "$date":
      return new Date(inner);
    case "$set":
      return new Set(inner.map((item) => decode(item, entry)));
    case "$error":
      return new Error(inner);
    case "$proxy":
      return proxyOf(inner);
    case "$object":
      return Object.fromEntries(inner.map(([key, item]) => [key, decode(item, entry)]));
    case "$calls":
      return run(inner, entry);
    default:
      throw new Error(`the bridge sent a value of an unknown kind: ${JSON.stringify(value)}`);
  }
}

function encode(value) {
  switch (typeof value) {
    case "undefined":
      return { $undefined: true };
    case "number":
      return Number.isFinite(value) && !Object.is(value, -0) ? value : { $number: Object.is(value, -0) ? "-0" : String(value) };
    case "bigint":
      return { $bigint: String(value) };
    case "string":
    case "boolean":
      return value;
    case "object":
      if (value === null) return null;
      if (Array.isArray(value)) return value.map(encode);
      if (value instanceof ArrayBuffer) return { $bytes: base64Of(new Uint8Array(value)) };
      if (ArrayBuffer.isView(value)) return { $bytes: base64Of(new Uint8Array(value.buffer, value.byteOffset, value.byteLength)) };
      return { $object: Object.entries(value).map(([key, item]) => [key, encode(item)]) };
    default:
      return { $opaque: typeof value };
  }
}

function encodeError(error) {
  if (!(error instanceof Error)) return { name: "", message: String(error), cause: null };
  return {
    name: error.name,
    message: error.message,
    cause: error.cause === undefined || error.cause === null ? null : encodeError(error.cause),
  };
}

// Run a chain of calls; what the last one returns may be a promise.
function run({ on, calls }, entry) {
  let target = on === undefined ? entry.database : entry.kept.get(on);
  if (target === undefined) throw new Error(`the bridge asked for ${on}, which is not kept`);
  for (const [method, args] of calls) target = target[method](...args.map((item) => decode(item, entry)));
  return target;
}

async function answer(databases, request) {
  if (request.forget) return { ok: databases.forget(request.database) };
  const entry = databases.get(request.database);
  try {
    const result = await run(request, entry);
    if (request.keep === undefined) return { ok: request.discard ? null : encode(result) };
    entry.kept.set(request.keep, result);
    return { ok: null };
  } catch (error) {
    return { error: encodeError(error) };
  }
}

function send(socket, id, message) {
  const bytes = utf8.encode(JSON.stringify(message));
  for (let start = 0; start === 0 || start < bytes.length; start += PIECE) {
    const piece = bytes.subarray(start, start + PIECE);
    const frame = new Uint8Array(5 + piece.length);
    new DataView(frame.buffer).setUint32(0, id);
    frame[4] = start + PIECE < bytes.length ? 1 : 0;
    frame.set(piece, 5);
    socket.send(frame);
  }
}

function join(pieces) {
  const bytes = new Uint8Array(pieces.reduce((sum, piece) => sum + piece.length, 0));
  let offset = 0;
  for (const piece of pieces) {
    bytes.set(piece, offset);
    offset += piece.length;
  }
  return bytes;
}

function serve(socket, env) {
  const databases = new Databases(env);
  const partial = new Map();
  socket.binaryType = "arraybuffer";
  socket.accept();
  socket.addEventListener("message", async ({ data }) => {
    const frame = new Uint8Array(data);
    const id = new DataView(data).getUint32(0);
    const pieces = partial.get(id) ?? [];
    pieces.push(frame.subarray(5));
    if (frame[4] === 1) {
      partial.set(id, pieces);
      return;
    }
    partial.delete(id);
    send(socket, id, await answer(databases, JSON.parse(text.decode(join(pieces)))));
  });
}

export default {
  fetch(request, env) {
    // miniflare listens on a loopback port that any process of this machine can reach; only the bridge has the token.
    if (request.headers.get("x-bridge-token") !== env.TOKEN) return new Response(null, { status: 403 });
    const pair = new WebSocketPair();
    serve(pair[1], env);
    return new Response(null, { status: 101, webSocket: pair[0] });
  },
};
