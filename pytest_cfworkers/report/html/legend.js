// What the signs of a waterfall mean, and what is told of a connection in words.

const TOLD = {
  consumed: "read to its end", cancelled: "closed unread", failed: "failed", abandoned: "forgotten unread",
  evicted: "evicted: cancelled to make room", open: "still open at the end",
};
const LEGEND = [
  ["queued", "queued for a slot"], ["waiting", "waiting for headers"], ["streaming", "streaming the body"],
  ["service", "D1 and other services"],
];
const ENDS = ["evicted", "cancelled", "failed", "abandoned", "open"];

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
