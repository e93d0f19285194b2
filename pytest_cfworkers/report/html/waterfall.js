// The waterfall of one invocation: drawn when it is opened, zoomed and walked through by mouse and by keyboard.

const MOST_ROWS = 500;
const LAST_TICK = 94; // Percent: the text of a later one would stand outside.
const TOLD = {
  consumed: "read to its end", cancelled: "closed unread", failed: "failed", abandoned: "forgotten unread",
  evicted: "evicted: cancelled to make room", open: "still open at the end",
};
const LEGEND = [
  ["queued", "queued for a slot"], ["waiting", "waiting for headers"], ["streaming", "streaming the body"],
  ["service", "D1 and other services"],
];
const ENDS = ["evicted", "cancelled", "failed", "abandoned", "open"];

/** Unpack a timeline as `packing.py` wrote it. Times become milliseconds; null is what never came. */
function timelineOf(packed) {
  const [name, slots, byHeaders, wall, cpu, dropped, moments, held, checkpoints, many, ...packedColumns] = packed;
  const [labels, places, flags, ...times] = packedColumns.map((column) => columnOf(column, many));
  let opened = 0;
  let now = 0;
  const spans = labels.map((label, row) => {
    opened += times[0][row];
    let last = opened;
    const [admitted, headers, closed] = times.slice(1).map((column) => {
      if (column[row] < 0) return null;
      last += column[row];
      return last / 1000;
    });
    return {
      label: index.strings[label], site: index.strings[places[row]],
      service: Boolean(flags[row] & 1), beyond: Boolean(flags[row] & 2),
      outcome: index.outcomes[flags[row] >> 2] || "open", opened: opened / 1000, admitted, headers, closed,
    };
  });
  return {
    name: index.strings[name], slots, byHeaders: Boolean(byHeaders), wall, cpu, dropped, spans,
    memory: columnOf(moments, Array.isArray(held) ? held.length : 1).map((passed, place) =>
      [(now += passed) / 1000, (Array.isArray(held) ? held[place] : held) * 1024]),
    checkpoints: checkpoints.map(([text, at]) => [index.strings[text], at]),
  };
}

/** Return the states of a connection: what each is called, when it begins and when it ends. */
function statesOf(span, end) {
  const closed = span.closed ?? end;
  const admitted = span.admitted ?? closed;
  const states = [];
  if (admitted > span.opened || span.admitted === null) states.push(["queued", span.opened, admitted]);
  if (span.admitted === null) return states;
  if (span.service) return [...states, ["service", admitted, closed]];
  states.push(["waiting", admitted, span.headers ?? closed]);
  if (span.headers !== null && closed > span.headers) states.push(["streaming", span.headers, closed]);
  return states;
}

/** Return when the number of connections that hold a slot or ask for one changes, and to what. */
function wantedOf(timeline) {
  const events = [];
  for (const span of timeline.spans) {
    events.push([span.opened, 1]);
    const freed = (timeline.byHeaders ? span.headers : null) ?? span.closed;
    if (freed !== null) events.push([freed, -1]);
  }
  events.sort((one, other) => one[0] - other[0] || other[1] - one[1]);
  let open = 0;
  return events.map(([at, change]) => [at, (open += change)]);
}

/** Return the stretch of time in which something is shown, or all of the invocation. */
function windowOf(timeline, whole) {
  if (whole) return [0, Math.max(timeline.wall, 0.01)];
  const moments = timeline.spans.flatMap((span) => [span.opened, span.admitted, span.headers, span.closed]);
  moments.push(...timeline.memory.map(([at]) => at), ...timeline.checkpoints.map(([, at]) => at));
  const known = moments.filter((moment) => moment !== null);
  const start = known.length ? Math.min(...known) : 0;
  let end = known.length ? Math.max(...known) : timeline.wall;
  if (timeline.spans.some((span) => span.closed === null)) end = Math.max(end, timeline.wall);
  const room = (end - start) * 0.02 || 0.5;
  return [Math.max(0, start - room), end + room];
}

function ticksOf([start, end], many) {
  const rough = (end - start) / many;
  const base = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map((factor) => base * factor).find((size) => size >= rough);
  const ticks = [];
  for (let at = Math.ceil(start / step) * step; at <= end; at += step) ticks.push(at);
  return ticks;
}

/** Make the waterfall of a timeline. */
function waterfall(timeline, memoryLimit) {
  const fitted = windowOf(timeline, false);
  let view = fitted;
  let chosen = 0;
  const spans = timeline.spans.slice(0, MOST_ROWS);
  const wanted = wantedOf(timeline);
  const peak = Math.max(0, ...wanted.map(([, open]) => open));
  const at = (moment) => (100 * (moment - view[0])) / (view[1] - view[0]);
  const percent = (moment) => `${at(moment).toFixed(3)}%`;

  const axis = shape("svg");
  const load = shape("svg", { role: "img", "aria-label":
    `connections open at once over time: at most ${peak}${timeline.slots === null ? "" : `, the limit is ${timeline.slots}`}` });
  const memory = shape("svg", { role: "img", "aria-label": "memory held over time" });
  const moments = shape("svg", { role: "img", "aria-label":
    `checkpoints: ${timeline.checkpoints.map(([name, time]) => `${name} at ${milliseconds(time)}`).join(", ")}` });
  const tell = make("div", { class: "tell" });
  const pictures = spans.map(() => shape("svg", { "aria-hidden": "true" }));
  const rows = spans.map((span, row) => make("li", {
    class: "lane", role: "option", tabindex: row ? -1 : 0, "aria-selected": row === 0 ? "true" : "false",
    "aria-label": sentence(span, timeline), focus: () => choose(row),
    mouseenter: () => describe(row), mouseleave: () => describe(chosen), click: () => rows[row].focus(),
  }, make("span", { class: "name" }, span.label), pictures[row]));
  const list = make("ul", { class: "lanes", role: "listbox", "aria-label": "Connections", keydown: keys }, ...rows);

  function choose(row) {
    rows[chosen].tabIndex = -1;
    rows[chosen].setAttribute("aria-selected", "false");
    chosen = row;
    rows[row].tabIndex = 0;
    rows[row].setAttribute("aria-selected", "true");
    tell.classList.add("chosen");
    describe(row);
  }

  function describe(row) {
    const span = spans[row];
    if (!span) return;
    const states = statesOf(span, timeline.wall).map(([state, start, end]) =>
      make("span", {}, `${state} `, make("b", {}, milliseconds(end - start))));
    tell.replaceChildren(
      make("p", { class: "label" }, span.label),
      make("p", { class: "states" }, make("span", {}, "at ", make("b", {}, milliseconds(span.opened))), ...states,
        make("span", {}, told(span)), span.beyond && make("span", {}, "opened when every slot was taken")),
      make("pre", {}, span.site || "a place outside of your code"),
    );
  }

  function keys(event) {
    const last = rows.length - 1;
    const to = { ArrowDown: chosen + 1, ArrowUp: chosen - 1, Home: 0, End: last, PageDown: chosen + 10, PageUp: chosen - 10 };
    const step = (view[1] - view[0]) / 5;
    if (event.key in to) rows[Math.min(last, Math.max(0, to[event.key]))]?.focus();
    else if (event.key === "ArrowRight") show([view[0] + step, view[1] + step]);
    else if (event.key === "ArrowLeft") show([view[0] - step, view[1] - step]);
    else if (event.key === "+" || event.key === "=") zoom(0.5);
    else if (event.key === "-") zoom(2);
    else if (event.key === "0") show(fitted);
    else return;
    event.preventDefault();
  }

  /** Show less or more time around the chosen connection. */
  function zoom(factor) {
    const span = spans[chosen];
    const middle = span ? Math.min(view[1], Math.max(view[0], span.opened)) : (view[0] + view[1]) / 2;
    const start = middle - (middle - view[0]) * factor;
    show([start, start + (view[1] - view[0]) * factor]);
  }

  function show([start, end]) {
    const longest = Math.max(timeline.wall, fitted[1]);
    const length = Math.min(longest, Math.max(0.001, end - start));
    const from = Math.min(longest - length, Math.max(0, start));
    view = [from, from + length];
    paint();
  }

  function paint() {
    const ticks = ticksOf(view, 6);
    const lines = () => ticks.map((tick) => shape("line", { class: "grid", x1: percent(tick), x2: percent(tick), y2: "100%" }));
    axis.replaceChildren(...ticks.filter((tick) => at(tick) < LAST_TICK).map((tick) => shape("text", { x: percent(tick), y: 12 }, `${moment(tick)} ms`)));
    spans.forEach((span, row) => {
      const states = statesOf(span, timeline.wall);
      pictures[row].replaceChildren(
        ...lines(),
        ...states.flatMap(([state, start, end]) => {
          const [one, other] = [Math.max(0, at(start)), Math.min(100, at(end))];
          if (other < 0 || one > 100) return [];
          return [shape("rect", { class: `bar ${state}`, x: `${one}%`, width: `${Math.max(0.35, other - one)}%` })];
        }),
        ...mark(span.closed ?? timeline.wall, `end-${span.outcome}`, `end ${span.outcome}`, 11),
      );
    });
    paintLoad(lines());
    paintMemory(lines());
    moments.replaceChildren(...timeline.checkpoints.flatMap(([name, time]) => {
      const marks = mark(time, "checkpoint", "checkpoint", 9);
      return marks.length ? [...marks, shape("text", { x: percent(time), dx: 8, y: 13 }, name)] : [];
    }));
  }

  function mark(time, name, kind, y) {
    const place = at(time);
    return place < 0 || place > 100 ? [] : [shape("use", { href: `#${name}`, class: kind, x: `${place}%`, y })];
  }

  function paintLoad(lines) {
    const top = Math.max(peak, timeline.slots ?? 0, 1);
    const path = wanted.map(([time, open]) => `H${clip(at(time))}V${100 - (100 * open) / top}`).join("");
    const d = `M0 100${path}H1000V100Z`;
    const over = timeline.slots === null ? 0 : 100 - (100 * timeline.slots) / top;
    load.replaceChildren(...lines, stretched("wanted", d, 100));
    if (over) load.append(stretched("beyond", d, over));
    if (timeline.slots !== null) {
      load.append(shape("line", { class: "limit", x2: "100%", y1: `${over}%`, y2: `${over}%` }),
        shape("text", { class: "limit-name", x: "100%", dx: -2, dy: over < 25 ? 12 : -4, y: `${over}%`, "text-anchor": "end" },
          `limit ${timeline.slots}`));
    }
  }

  function paintMemory(lines) {
    if (!timeline.memory.length) return;
    const most = Math.max(...timeline.memory.map(([, held]) => held));
    const near = memoryLimit && most > memoryLimit / 3;
    const top = near ? Math.max(most, memoryLimit) : most;
    const path = timeline.memory.map(([time, held]) => `L${clip(at(time))} ${100 - (100 * held) / top}`).join("");
    memory.replaceChildren(...lines, stretched("held", `M${clip(at(timeline.memory[0][0]))} 100${path}V100Z`, 100));
    if (near) {
      const over = `${100 - (100 * memoryLimit) / top}%`;
      memory.append(shape("line", { class: "limit", x2: "100%", y1: over, y2: over }));
    }
  }

  function clip(place) {
    return Math.min(1000, Math.max(0, place * 10)).toFixed(2);
  }

  function stretched(kind, d, height) {
    return shape("svg", { viewBox: `0 0 1000 ${height}`, height: `${height}%`, preserveAspectRatio: "none" },
      shape("path", { class: kind, d }));
  }

  const limit = timeline.slots === null ? "" : ` / ${timeline.slots}`;
  const most = Math.max(0, ...timeline.memory.map(([, held]) => held));
  const missing = timeline.spans.length - spans.length + timeline.dropped;
  paint();
  describe(0);
  return make("div", { class: "waterfall" },
    make("div", { class: "above" }, legend(timeline), make("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      make("button", { type: "button", "aria-label": "Zoom in", click: () => zoom(0.5) }, "+"),
      make("button", { type: "button", "aria-label": "Zoom out", click: () => zoom(2) }, "−"),
      make("button", { type: "button", click: () => show(fitted) }, "Fit"),
      make("button", { type: "button", click: () => show(windowOf(timeline, true)) }, "Whole"))),
    lane("axis", count(timeline.spans.length + timeline.dropped, "connection"), axis),
    lane("load", "open at once", load, `${peak}${limit}`),
    spans.length ? list : null,
    missing ? make("p", { class: "more" }, `and ${count(missing, "connection")} more`) : null,
    timeline.memory.length ? lane("memory", "memory", memory, memoryLimit ? `${size(most)} / ${size(memoryLimit)}` : size(most)) : null,
    timeline.checkpoints.length ? lane("checkpoints", "checkpoints", moments) : null,
    spans.length ? tell : null,
    spans.length ? make("p", { class: "keys" }, make("kbd", {}, "↑ ↓"), " connections, ", make("kbd", {}, "← →"), " time, ",
      make("kbd", {}, "+"), " ", make("kbd", {}, "−"), " zoom, ", make("kbd", {}, "0"), " fit") : null);
}

function lane(kind, name, picture, figure) {
  return make("div", { class: `lane ${kind}`, "aria-hidden": kind === "axis" ? "true" : null },
    make("span", { class: "name" }, `${name} `, figure ? make("b", {}, figure) : ""), picture);
}

/** Name only what this waterfall shows. */
function legend(timeline) {
  const states = new Set(timeline.spans.flatMap((span) => statesOf(span, timeline.wall).map(([state]) => state)));
  const ends = new Set(timeline.spans.map((span) => span.outcome));
  return make("ul", { class: "legend" },
    ...LEGEND.filter(([state]) => states.has(state)).map(([state, text]) => make("li", {},
      shape("svg", { "aria-hidden": "true" }, shape("rect", { class: `bar ${state}`, x: 1, width: 24 })), text)),
    ...ENDS.filter((end) => ends.has(end)).map((end) => make("li", {},
      shape("svg", { "aria-hidden": "true" }, shape("use", { href: `#end-${end}`, class: `end ${end}`, x: 13, y: 11 })), TOLD[end])));
}

/** Say how a connection ended. */
function told(span) {
  return span.service && span.outcome === "consumed" ? "answered" : TOLD[span.outcome];
}

/** Say all about a connection, for those who hear it. */
function sentence(span, timeline) {
  const states = statesOf(span, timeline.wall).map(([state, start, end]) => `${state} ${milliseconds(end - start)}`);
  const site = span.site ? `, opened at ${span.site.split("\n")[0]}` : "";
  return `${span.label}: ${states.join(", ")}, ${told(span)}${site}`;
}
