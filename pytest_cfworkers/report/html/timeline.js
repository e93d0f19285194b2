// What a waterfall shows, worked out of a packed timeline. Times are milliseconds after the invocation began.

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
    events.push([span.opened, 1, 1]);
    const freed = (timeline.byHeaders ? span.headers : null) ?? span.closed;
    // What ends and what begins at one moment came one after the other.
    if (freed !== null) events.push([freed, freed > span.opened ? 0 : 2, -1]);
  }
  events.sort((one, other) => one[0] - other[0] || one[1] - other[1]);
  let open = 0;
  return events.map(([at, , change]) => [at, (open += change)]);
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
