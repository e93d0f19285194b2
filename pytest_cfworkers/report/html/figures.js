// Numbers as the page writes them everywhere.

const written = new Map();
function number(value, digits = 0) {
  if (!written.has(digits)) {
    written.set(digits, new Intl.NumberFormat("en", { minimumFractionDigits: digits, maximumFractionDigits: digits }));
  }
  return written.get(digits).format(value);
}

/** Write a round number with no more digits than it needs. */
function moment(value) {
  return Number(value.toFixed(6)).toLocaleString("en", { maximumFractionDigits: 6 });
}

/** Write milliseconds with three figures that matter. */
function milliseconds(value) {
  const digits = value >= 1 ? Math.max(0, 2 - Math.floor(Math.log10(value))) : 2;
  return `${number(value, digits)} ms`;
}

function size(bytes) {
  for (const [unit, factor] of [["GB", 2 ** 30], ["MB", 2 ** 20], ["KB", 2 ** 10]]) {
    if (bytes >= factor) return `${(bytes / factor).toFixed(1).replace(/\.0$/, "")} ${unit}`;
  }
  return `${bytes} B`;
}

/** Write an amount of a limit, with its unit where the number alone would not say it. */
function amount(column, value) {
  if (column.unit === "ms") return milliseconds(value);
  return column.unit === "bytes" ? size(value) : number(value);
}

/** Return how much of the limit of a column a test left, in percent of it; negative where it is broken. */
function headroom(test, place) {
  const [used, limit] = [index.used[place][test], index.limit[place][test]];
  if (used === null) return 100;
  if (!limit) return used ? -100 * used : 100;
  return (100 * (limit - used)) / limit;
}

/** Say how that is to be taken, and in which words: what is over a limit need not have broken anything. */
function standing(test, place) {
  const excess = index.excess[test]?.[place];
  if (excess) return index.over[excess];
  const percent = headroom(test, place);
  return [percent < index.tight ? "tight" : "plenty", `${Math.floor(percent)} %`];
}

/** Return the column of the limit of which a test left least. */
function tightest(test) {
  return index.columns.reduce((least, _, place) => (headroom(test, place) < headroom(test, least) ? place : least), 0);
}

function count(many, one) {
  return `${number(many)} ${one}${many === 1 ? "" : "s"}`;
}
