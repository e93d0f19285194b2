// What every part of the page stands on: the data, how elements are made, the theme, and paper.

const index = JSON.parse(document.getElementById("index").textContent);
const total = index.ids.length;
for (const name of ["used", "limit"]) index[name] = index[name].map((column) => columnOf(column, total));
index.outcome = columnOf(index.outcome, total);

/** Return a column of `packing.py`, which writes one that holds one value only as that value. */
function columnOf(packed, length) {
  return Array.isArray(packed) ? packed : Array(length).fill(packed);
}

/** Make an element. Text stays text: nothing here is ever read as HTML. */
function make(tag, attributes = {}, ...children) {
  return dress(document.createElement(tag), attributes, children);
}

/** Make an element of a picture. */
function shape(tag, attributes = {}, ...children) {
  return dress(document.createElementNS("http://www.w3.org/2000/svg", tag), attributes, children);
}

function dress(element, attributes, children) {
  for (const [name, value] of Object.entries(attributes)) {
    if (typeof value === "function") element.addEventListener(name, value);
    else if (value !== null && value !== false) element.setAttribute(name, value === true ? "" : value);
  }
  element.append(...children.filter((child) => child !== null && child !== false));
  return element;
}

function sign(name) {
  return shape("svg", { class: `sign ${name}`, viewBox: "0 0 16 16", "aria-hidden": "true" },
    shape("use", { href: `#sign-${name}` }));
}

const themes = ["auto", "light", "dark"];
const toggle = document.getElementById("theme");
function showTheme(name) {
  if (name === "auto") delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
  toggle.textContent = `Theme: ${name}`;
}
toggle.addEventListener("click", () => {
  const now = document.documentElement.dataset.theme ?? "auto";
  const next = themes[(themes.indexOf(now) + 1) % themes.length];
  showTheme(next);
  try {
    localStorage.setItem("cf-theme", next === "auto" ? "" : next);
  } catch { /* A browser may keep nothing for files. */ }
});
showTheme(document.documentElement.dataset.theme ?? "auto");

// Paper shows what the screen would show on demand.
addEventListener("beforeprint", () => {
  for (const details of document.querySelectorAll("main details:not([open])")) {
    details.open = true;
    details.dataset.paper = "";
  }
});
addEventListener("afterprint", () => {
  for (const details of document.querySelectorAll("details[data-paper]")) {
    details.open = false;
    delete details.dataset.paper;
  }
});
