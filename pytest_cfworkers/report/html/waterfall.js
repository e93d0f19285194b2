// The waterfall of one invocation: drawn when it is opened, zoomed and walked through by mouse and by keyboard.

const MOST_ROWS = 500;
const MOST_CHECKPOINTS = 50;
const LEAST = 0.35; // Percent that the shortest part of a bar is wide, so that it is seen.
const LAST_TICK = 94; // Percent: the text of a later one would stand outside.

/** The waterfall of one timeline. */
class Waterfall {
  constructor(timeline, memoryLimit) {
    this.timeline = timeline;
    this.memoryLimit = memoryLimit;
    this.spans = timeline.spans.slice(0, MOST_ROWS);
    this.wanted = wantedOf(timeline);
    this.peak = Math.max(0, ...this.wanted.map(([, open]) => open));
    this.fitted = windowOf(timeline, false);
    this.view = this.fitted;
    this.chosen = 0;
    this.axis = shape("svg");
    this.load = shape("svg", { role: "img", "aria-label":
      `connections that hold a slot or wait for one, over time: at most ${this.peak}${
        timeline.slots === null ? "" : `, the limit is ${timeline.slots}`}` });
    this.memory = shape("svg", { role: "img", "aria-label": "memory held over time" });
    this.checkpoints = timeline.checkpoints.slice(0, MOST_CHECKPOINTS);
    this.moments = this.checkpoints.map(([, time]) => shape("svg", { role: "img", "aria-label": `at ${milliseconds(time)}` }));
    this.tell = make("div", { class: "tell" });
    this.pictures = this.spans.map(() => shape("svg", { "aria-hidden": "true" }));
    this.rows = this.spans.map((span, row) => this.rowOf(span, row));
    this.paint();
    this.describe(0);
  }

  rowOf(span, row) {
    return make("li", {
      class: "lane", role: "option", tabindex: row ? -1 : 0, "aria-selected": row === 0 ? "true" : "false",
      "aria-label": sentence(span, this.timeline), focus: () => this.choose(row), click: () => this.rows[row].focus(),
      mouseenter: () => this.describe(row), mouseleave: () => this.describe(this.chosen),
    }, make("span", { class: "name" }, span.label), this.pictures[row]);
  }

  /** Return all of it, to be put on the page. */
  element() {
    const { timeline, memoryLimit, spans } = this;
    const most = size(Math.max(0, ...timeline.memory.map(([, held]) => held)));
    const unnamed = timeline.checkpoints.length - this.checkpoints.length;
    const missing = timeline.spans.length - spans.length + timeline.dropped;
    return make("div", { class: "waterfall" },
      make("div", { class: "above" }, legend(timeline), this.buttons()),
      lane("axis", count(timeline.spans.length + timeline.dropped, "connection"), this.axis),
      lane("load", "wanted at once", this.load, `${this.peak}${timeline.slots === null ? "" : ` / ${timeline.slots}`}`),
      spans.length > 0 && make("ul", {
        class: "lanes", role: "listbox", "aria-label": "Connections", keydown: (event) => this.press(event),
      }, ...this.rows),
      missing > 0 && make("p", { class: "more" }, `and ${count(missing, "connection")} more`),
      timeline.memory.length > 0
        && lane("memory", "memory", this.memory, memoryLimit ? `${most} / ${size(memoryLimit)}` : most),
      this.moments.length > 0 && make("ul", { class: "checkpoints", "aria-label": "Checkpoints" },
        ...this.checkpoints.map(([name, time], place) => make("li", { class: "lane", title: `${name}, at ${milliseconds(time)}` },
          make("span", { class: "name" }, name), this.moments[place]))),
      unnamed > 0 && make("p", { class: "more" }, `and ${count(unnamed, "more checkpoint")}`),
      spans.length > 0 && this.tell,
      spans.length > 0 && make("p", { class: "keys" }, make("kbd", {}, "↑ ↓"), " connections, ", make("kbd", {}, "← →"),
        " time, ", make("kbd", {}, "+"), " ", make("kbd", {}, "−"), " zoom, ", make("kbd", {}, "0"), " fit"));
  }

  buttons() {
    const button = (text, act, more = {}) => make("button", { type: "button", click: act, ...more }, text);
    return make("div", { class: "zoom", role: "group", "aria-label": "Zoom" },
      button("+", () => this.zoom(0.5), { "aria-label": "Zoom in" }),
      button("−", () => this.zoom(2), { "aria-label": "Zoom out" }),
      button("Fit", () => this.show(this.fitted)),
      button("All", () => this.show(windowOf(this.timeline, true)), { title: "All of the invocation" }));
  }

  // One connection at a time is chosen, and told about; pointing at another tells about that one meanwhile.

  choose(row) {
    const before = this.rows[this.chosen];
    before.tabIndex = -1;
    before.setAttribute("aria-selected", "false");
    this.chosen = row;
    this.rows[row].tabIndex = 0;
    this.rows[row].setAttribute("aria-selected", "true");
    this.tell.classList.add("chosen");
    this.describe(row);
  }

  describe(row) {
    const span = this.spans[row];
    if (!span) return;
    const figure = (name, value) => make("span", {}, `${name} `, make("b", {}, milliseconds(value)));
    const states = statesOf(span, this.timeline.wall);
    this.tell.replaceChildren(
      make("p", { class: "label" }, span.label),
      make("p", { class: "states" }, figure("at", span.opened),
        ...states.map(([state, start, end]) => figure(state, end - start)),
        make("span", {}, told(span)), span.beyond && make("span", {}, "opened when every slot was taken")),
      make("pre", {}, span.site || "a place outside of your code"),
    );
  }

  press(event) {
    const last = this.rows.length - 1;
    const { chosen } = this;
    const to = {
      ArrowDown: chosen + 1, ArrowUp: chosen - 1, PageDown: chosen + 10, PageUp: chosen - 10, Home: 0, End: last,
    };
    const act = {
      ArrowRight: () => this.move(0.2), ArrowLeft: () => this.move(-0.2), "+": () => this.zoom(0.5),
      "=": () => this.zoom(0.5), "-": () => this.zoom(2), 0: () => this.show(this.fitted),
    };
    if (event.key in to) this.rows[Math.min(last, Math.max(0, to[event.key]))].focus();
    else if (event.key in act) act[event.key]();
    else return;
    event.preventDefault();
  }

  // The stretch of time that is shown.

  move(share) {
    const [start, end] = this.view;
    this.show([start + share * (end - start), end + share * (end - start)]);
  }

  /** Show less or more time around the chosen connection. */
  zoom(factor) {
    const [start, end] = this.view;
    const span = this.spans[this.chosen];
    const middle = span ? Math.min(end, Math.max(start, span.opened)) : (start + end) / 2;
    const from = middle - (middle - start) * factor;
    this.show([from, from + (end - start) * factor]);
  }

  show([start, end]) {
    const longest = Math.max(this.timeline.wall, this.fitted[1]);
    const length = Math.min(longest, Math.max(0.001, end - start));
    const from = Math.min(longest - length, Math.max(0, start));
    this.view = [from, from + length];
    this.paint();
  }

  at(time) {
    return (100 * (time - this.view[0])) / (this.view[1] - this.view[0]);
  }

  // Painting, anew whenever another stretch of time is shown.

  paint() {
    const ticks = ticksOf(this.view, 6);
    const grid = () => ticks.map((tick) =>
      shape("line", { class: "grid", x1: `${this.at(tick)}%`, x2: `${this.at(tick)}%`, y2: "100%" }));
    this.axis.replaceChildren(...ticks.filter((tick) => this.at(tick) < LAST_TICK).map((tick) =>
      shape("text", { x: `${this.at(tick)}%`, y: 12 }, `${moment(tick)} ms`)));
    this.spans.forEach((span, row) => {
      this.pictures[row].replaceChildren(...grid(), ...this.bars(span),
        ...this.mark(span.closed ?? this.timeline.wall, `end-${span.outcome}`, `end ${span.outcome}`, 11));
    });
    this.paintLoad(grid());
    this.paintMemory(grid());
    this.checkpoints.forEach(([, time], place) => {
      this.moments[place].replaceChildren(...grid(), ...this.mark(time, "checkpoint", "checkpoint", 11));
    });
  }

  bars(span) {
    return statesOf(span, this.timeline.wall).flatMap(([state, start, end]) => {
      const [from, to] = [Math.max(0, this.at(start)), Math.min(100, this.at(end))];
      if (to < 0 || from > 100) return [];
      return [shape("rect", { class: `bar ${state}`, x: `${from}%`, width: `${Math.max(LEAST, to - from)}%` })];
    });
  }

  mark(time, name, kind, y) {
    const place = this.at(time);
    return place < 0 || place > 100 ? [] : [shape("use", { href: `#${name}`, class: kind, x: `${place}%`, y })];
  }

  paintLoad(grid) {
    const { slots } = this.timeline;
    const top = Math.max(this.peak, slots ?? 0, 1);
    const steps = this.wanted.map(([time, open]) => `H${this.clipped(time)}V${100 - (100 * open) / top}`).join("");
    const path = `M0 100${steps}H1000V100Z`;
    this.load.replaceChildren(...grid, stretched("wanted", path, 100));
    if (slots === null) return;
    const over = 100 - (100 * slots) / top;
    if (over) this.load.append(stretched("beyond", path, over));
    this.load.append(shape("line", { class: "limit", x2: "100%", y1: `${over}%`, y2: `${over}%` }),
      shape("text", { class: "limit-name", x: "100%", dx: -2, y: `${over}%`, dy: over < 25 ? 12 : -4, "text-anchor": "end" },
        `limit ${slots}`));
  }

  paintMemory(grid) {
    const { memory } = this.timeline;
    if (!memory.length) return;
    const most = Math.max(1, ...memory.map(([, held]) => held));
    const near = this.memoryLimit && most > this.memoryLimit / 3;
    const top = near ? Math.max(most, this.memoryLimit) : most;
    const points = memory.map(([time, held]) => `L${this.clipped(time)} ${100 - (100 * held) / top}`).join("");
    this.memory.replaceChildren(...grid, stretched("held", `M${this.clipped(memory[0][0])} 100${points}V100Z`, 100));
    if (near) {
      const over = `${100 - (100 * this.memoryLimit) / top}%`;
      this.memory.append(shape("line", { class: "limit", x2: "100%", y1: over, y2: over }));
    }
  }

  /** Return where a moment is in a picture that is 1,000 wide. */
  clipped(time) {
    return Math.min(1000, Math.max(0, this.at(time) * 10)).toFixed(2);
  }
}

function stretched(kind, path, height) {
  return shape("svg", { viewBox: `0 0 1000 ${height}`, height: `${height}%`, preserveAspectRatio: "none" },
    shape("path", { class: kind, d: path }));
}

function lane(kind, name, picture, figure) {
  return make("div", { class: `lane ${kind}`, "aria-hidden": kind === "axis" ? "true" : null },
    make("span", { class: "name" }, `${name} `, figure ? make("b", {}, figure) : ""), picture);
}
