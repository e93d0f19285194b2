// The table of all tests: searched, filtered and sorted in columns, and only so many rows made as are looked at.

const STEP = 100;
const controls = Object.fromEntries(["search", "rule", "outcome", "tight", "count", "table"].map((id) =>
  [id, document.getElementById(id)]));
const columns = [
  { name: "Test", values: index.ids, text: true },
  { name: "Outcome", values: index.outcome, text: true },
  { name: "Time", values: index.ms, write: milliseconds },
  ...index.columns.map((column, place) => ({
    name: column.short, title: column.title, values: index.used[place], limits: index.limit[place], limitOf: () => place,
    write: (value) => amount(column, value),
  })),
  {
    name: "Left", title: "least headroom of any limit", values: index.left, ascending: true,
    limitOf: index.columns.length ? tightest : null,
    write: (_, test) => (index.columns.length ? standing(test, tightest(test))[1] : "100 %"),
  },
];
let sorted = { column: columns.length - 1, ascending: true };
let shown = STEP;
let lower = null;

/** Return the tests that match what is asked for, in the order asked for. */
function matching() {
  const words = controls.search.value.toLowerCase().split(/\s+/).filter(Boolean);
  if (words.length) lower ??= index.ids.map((id) => id.toLowerCase());
  const [rule, outcome, tight] = [controls.rule.value, controls.outcome.value, controls.tight.value];
  const found = [];
  for (let test = 0; test < total; test += 1) {
    if (words.some((word) => !lower[test].includes(word))) continue;
    if (rule && !(rule === "*" ? index.rules[test].length : index.rules[test].includes(rule))) continue;
    if (outcome && index.outcome[test] !== outcome) continue;
    if (tight && !isTight(test, Number(tight))) continue;
    found.push(test);
  }
  const { values, text } = columns[sorted.column];
  const way = sorted.ascending ? 1 : -1;
  const compare = text ? (one, other) => (one < other ? -1 : Number(one > other)) : (one, other) => one - other;
  return found.sort((one, other) => {
    const [first, second] = [values[one], values[other]];
    if (first === null || second === null) return Number(first === null) - Number(second === null) || one - other;
    return way * compare(first, second) || one - other;
  });
}

function isTight(test, place) {
  return index.used[place][test] !== null && headroom(test, place) < index.tight;
}

function rowOf(test) {
  const cells = columns.slice(2).map(({ values, write, limits, limitOf }) => {
    const value = values[test];
    if (value === null) return make("td", { role: "cell" });
    const [kind, words] = limitOf ? standing(test, limitOf(test)) : ["plenty", ""];
    const beyond = limits && value > limits[test];
    return make("td", { role: "cell", class: kind === "plenty" ? null : kind, title: beyond && words },
      beyond ? `${write(value)} of ${write(limits[test])}` : write(value, test));
  });
  return make("tr", { role: "row", "data-test": test },
    make("th", { scope: "row", role: "rowheader" }, make("a", { class: "test", href: `#t${test}` }, ...partsOf(index.ids[test]))),
    make("td", { role: "cell" }, index.outcome[test],
      ...index.rules[test].map((rule) => make("span", { class: "rule" }, rule))),
    ...cells);
}

/** Set the file of a test id apart from its name. */
function partsOf(id) {
  const end = id.indexOf("::");
  return end < 0 ? [id] : [make("span", { class: "file" }, id.slice(0, end + 2)), id.slice(end + 2)];
}

const body = make("tbody", { role: "rowgroup" });
const heads = columns.map(({ name, title, text }, place) => make("th", { scope: "col", role: "columnheader", class: text ? null : "n", title },
  make("button", { type: "button", click: () => sortBy(place) }, name)));
const more = make("button", { type: "button", class: "again", click: () => {
  const first = shown;
  shown += STEP;
  update();
  body.rows[first]?.querySelector("a").focus();
} });

function sortBy(place) {
  const ascends = columns[place].text || columns[place].ascending || false;
  sorted = { column: place, ascending: sorted.column === place ? !sorted.ascending : ascends };
  shown = STEP;
  update();
}

function update() {
  order = matching();
  body.replaceChildren(...order.slice(0, shown).map(rowOf));
  heads.forEach((head, place) => {
    if (place === sorted.column) head.setAttribute("aria-sort", sorted.ascending ? "ascending" : "descending");
    else head.removeAttribute("aria-sort");
  });
  const some = order.length === total ? count(total, "test") : `${number(order.length)} of ${count(total, "test")}`;
  controls.count.textContent = order.length > shown ? `${some}, the first ${number(shown)} shown` : some;
  more.hidden = order.length <= shown;
  more.textContent = `Show ${number(Math.min(STEP, order.length - shown))} more`;
}

function option(value, text) {
  return make("option", { value }, text);
}

if (total) {
  const rules = [...new Set(index.rules.flat())].sort();
  if (rules.length) controls.rule.append(option("*", "any"), ...rules.map((rule) => option(rule, rule)));
  controls.outcome.append(...[...new Set(index.outcome)].sort().map((outcome) => option(outcome, outcome)));
  controls.tight.append(...index.columns.map((column, place) => option(place, column.title)));
  controls.table.append(make("table", { role: "table" },
    make("thead", { role: "rowgroup" }, make("tr", { role: "row" }, ...heads)), body), more);
  const again = () => {
    shown = STEP;
    update();
  };
  for (const name of ["search", "rule", "outcome", "tight"]) controls[name].addEventListener("input", again);
  controls.search.form.addEventListener("reset", () => setTimeout(again));
  controls.search.form.addEventListener("submit", (event) => event.preventDefault());
  body.addEventListener("click", (event) => {
    const row = event.target.closest("tr");
    if (row && !event.target.closest("a") && !String(getSelection())) location.hash = `#t${row.dataset.test}`;
  });
  update();
}
follow();
