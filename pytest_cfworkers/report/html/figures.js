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

/** Write how much of a limit is left, in percent of it. */
function left(headroom) {
  return headroom < 0 ? "over" : `${Math.floor(headroom)} %`;
}

/** Return how much of a limit is left, in percent of it; negative where it is broken. */
function headroom(used, limit) {
  if (!limit) return used ? -100 : 100;
  return (100 * (limit - used)) / limit;
}

/** Say how that is to be taken: what is over a limit and breaks no rule was allowed to be, or only warns. */
function standing(percent, broken) {
  if (percent < 0) return broken ? "over" : "warns";
  return percent < index.tight ? "tight" : "plenty";
}

function count(many, one) {
  return `${number(many)} ${one}${many === 1 ? "" : "s"}`;
}
