// One test, opened over the page: what it used, what it broke, and the waterfall of each of its invocations.

const panel = document.getElementById("panel");
let lines = null;
let order = [];

/** Read the details of a test. The lines are only split; just this one is parsed. */
function detailsOf(test) {
  lines ??= document.getElementById("details").textContent.split("\n");
  return JSON.parse(lines[test]);
}

/** Open what the address names: `#t12` is the test number 12. */
function follow() {
  const named = /^#t(\d+)$/.exec(location.hash);
  if (named && Number(named[1]) < total) openPanel(Number(named[1]));
  else if (panel.open) panel.close();
}
addEventListener("hashchange", follow);
panel.addEventListener("close", () => {
  if (/^#t\d+$/.test(location.hash)) history.replaceState(null, "", location.href.split("#")[0]);
});
panel.addEventListener("click", (event) => {
  if (event.target === panel) panel.close();
});

function openPanel(test) {
  const details = detailsOf(test);
  const place = order.indexOf(test);
  panel.replaceChildren(
    make("header", { class: "panel-top" },
      make("h2", { id: "panel-title", class: "test", tabindex: -1, autofocus: true }, index.ids[test],
        make("small", {}, index.strings[details.where])),
      make("div", { class: "buttons" },
        turn("Previous", order[place - 1]), turn("Next", place < 0 ? undefined : order[place + 1]),
        make("button", { type: "button", click: () => panel.close() }, "Close"))),
    make("div", { class: "panel-body" },
      make("dl", { class: "facts" }, fact("Outcome", index.outcome[test]), fact("Time", milliseconds(index.ms[test])),
        fact("Plan", details.plan)),
      make("ul", { class: "headlines" }, ...(details.found.violations ?? []).map(([rule, headline]) =>
        make("li", {}, make("span", { class: "rule" }, rule), " ", index.strings[headline]))),
      uses(test),
      pictures(test, details.timelines),
      ...Object.entries(index.titles).flatMap(([kind, title]) => findings(details.found[kind], title, kind))),
  );
  if (!panel.open) panel.showModal();
  panel.scrollTop = 0;
}

function turn(name, test) {
  return make("button", {
    type: "button", disabled: test === undefined, click: () => {
      location.replace(`#t${test}`);
    },
  }, name);
}

function fact(name, value) {
  return make("div", {}, make("dt", {}, name), make("dd", {}, value));
}

function uses(test) {
  const bars = index.columns.flatMap((column, place) => {
    const [used, limit] = [index.used[place][test], index.limit[place][test]];
    if (used === null) return [];
    const whole = Math.max(used, limit) || 1;
    const [kind, words] = standing(test, place);
    const within = (100 * Math.min(used, limit)) / whole;
    return [make("li", { class: kind },
      make("p", { class: "title", title: column.title }, column.short),
      shape("svg", { class: "meter", "aria-hidden": "true" },
        shape("rect", { class: "track", width: "100%", height: "100%", rx: 3 }),
        shape("rect", { class: "within", width: `${within}%`, height: "100%", rx: 3 }),
        ...(used > limit ? [shape("rect", { class: "beyond", x: `${within}%`, width: `${100 - within}%`, height: "100%" })] : [])),
      make("p", { class: "what" }, make("span", {}, `${amount(column, used)} of ${amount(column, limit)}`),
        make("span", { class: "left" }, sign(kind), used > limit ? words : `${words} left`)))];
  });
  return make("ul", { class: "bars uses" }, ...bars);
}

function findings(found, title, kind) {
  if (!found) return [];
  return [make("section", {}, make("h3", {}, title), ...found.map(([rule, headline, evidence, remedy, source]) => {
    const url = index.strings[source];
    return make("article", { class: `card ${kind}` },
      make("h4", { class: "headline" }, make("span", { class: "rule" }, rule), " ", index.strings[headline]),
      make("div", { class: "sides" },
        evidence.length ? make("pre", { class: "evidence", role: "group", tabindex: 0, "aria-label": "Evidence" },
          evidence.map((line) => index.strings[line]).join("\n")) : null,
        make("div", { class: "remedy" }, ...remedyOf(index.remedies[remedy]),
          url ? make("p", { class: "source" }, "Source: ", make("a", { href: url, rel: "noreferrer" }, url)) : null)));
  }))];
}

function remedyOf(blocks) {
  return blocks.map(([kind, text]) => {
    if (kind === "code") return make("pre", { class: "code" }, make("code", {}, text));
    return make("p", {}, kind === "link" ? make("a", { href: text, rel: "noreferrer" }, text) : text);
  });
}

/** Show one invocation; where a test is several, the one with most connections, and a way to the others. */
function pictures(test, packed) {
  const column = index.columns.findIndex(({ key }) => key === "memory");
  const memoryLimit = column < 0 ? null : index.limit[column][test];
  const section = make("section", {}, make("h3", {}, packed.length > 1 ? "Waterfalls" : "Waterfall"));
  if (!packed.length) {
    section.append(make("p", { class: "none" }, "Nothing was recorded of this test's connections."));
    return section;
  }
  const timelines = packed.map(timelineOf);
  const many = (timeline) => timeline.spans.length + timeline.dropped;
  const worst = timelines.reduce((best, timeline, place) => (many(timeline) > many(timelines[best]) ? place : best), 0);
  const shown = make("div", {}, new Waterfall(timelines[worst], memoryLimit).element());
  if (timelines.length > 1) {
    const select = make("select", { change: () => shown.replaceChildren(new Waterfall(timelines[select.value], memoryLimit).element()) },
      ...timelines.map((timeline, place) => make("option", { value: place, selected: place === worst },
        `${place + 1}. ${timeline.name} (${count(many(timeline), "connection")})`)));
    section.append(make("label", { class: "picker" }, "Invocation", select));
  }
  section.append(shown);
  return section;
}
