// The starts that the page holds, as columns; and how their numbers are said, as `wording.py` says them.
const DATA = JSON.parse(document.getElementById("k3slog-data").textContent);
const COUNT = DATA.starts;
const SVG = "http://www.w3.org/2000/svg";
const UNKNOWN = DATA.unknown; // the value of a label that a start does not have
const COLLATOR = new Intl.Collator("en", { numeric: true, sensitivity: "base" });
const LABELS = DATA.labels.map((label) => ({ id: label.id, name: label.name, at: label.at,
  values: Array.from(new Set(label.at.map((place) => DATA.texts[place] || UNKNOWN))).sort(COLLATOR.compare) }));
const labelById = new Map(LABELS.map((label) => [label.id, label]));
const metricById = new Map(DATA.metrics.map((metric) => [metric.id, metric]));
const signs = new Map(Object.entries(DATA.signs));
const levels = new Map(Object.entries(DATA.levels));
const USERS = LABELS.filter((label) => label.id.startsWith("label."));

function text(place) { return DATA.texts[place]; }

function labelOf(id, start) { return text(labelById.get(id).at[start]); }

function valueOf(id, start) { return labelOf(id, start) || UNKNOWN; }

// Hosts without a name are as many as their inputs.
function hostKey(start) { return labelOf("host", start) || "\n" + labelOf("input", start); }

function reasonOf(start) { return text(DATA.reason[start]) || (labelOf("outcome", start) === "failed" ? DATA.no_reason : ""); }

function count(number, noun) { return number.toLocaleString("en-US") + (noun ? " " + noun + (number === 1 ? "" : "s") : ""); }

function share(part, whole) {
  const percent = (part / Math.max(1, whole)) * 100;
  if (percent > 0 && percent < 0.1) { return "under 0.1 %"; }
  const f = percent < 10 ? 10 : 1; // a half is rounded up, whatever the number is in binary
  return (Math.floor(percent * f + 0.5) / f).toFixed(percent < 10 ? 1 : 0) + " %";
}

// --- windows: lower ends are rounded down, upper ends up

function down(value, places) { const f = 10 ** places; return (Math.floor(value * f + 1e-7) / f).toFixed(places); }

function up(value, places) { const f = 10 ** places; return (Math.ceil(value * f - 1e-7) / f).toFixed(places); }

function windowText(least, most) {
  if (!Number.isFinite(most)) { return "> " + down(least, 1); }
  const width = most - least;
  const places = width >= 0.15 ? 1 : width >= 0.0095 ? 2 : 3;
  const low = down(least, places);
  const high = up(most, places);
  return low === high ? low : low + "–" + high;
}

// [least, most] in seconds, `most` infinite where it is open; null where the start has no such metric
function bounds(metric, start) {
  const least = metric.least[start];
  if (least === null) { return null; }
  const width = metric.width[start];
  return [least / 1000, width < 0 ? Infinity : (least + width) / 1000];
}

function tookText(metric, start) {
  const found = metric ? bounds(metric, start) : null;
  return found ? windowText(found[0], found[1]) : "–";
}

function beganText(start) {
  const began = DATA.began[start];
  if (began === null) { return ""; }
  const moment = new Date(began * 1000);
  return isNaN(moment.getTime()) ? "" : moment.toISOString().replace(/\.\d+Z$/, "").replace("T", " ");
}

function whyText(start) { return text(DATA.reason[start]) || text(DATA.cause[start]) || reasonOf(start); }

function whereText(start) { return labelOf("input", start) + ":" + DATA.index[start]; }

function labelTexts(start) { return USERS.filter((label) => label.at[start]).map((label) => label.name + "=" + text(label.at[start])); }

// --- elements; whatever a log wrote goes in as text

function element(name, look, words) {
  const made = document.createElement(name);
  if (look) { made.className = look; }
  if (words !== undefined) { made.textContent = words; }
  return made;
}

function shape(name, values, words) {
  const made = document.createElementNS(SVG, name);
  Object.entries(values).forEach(([key, value]) => made.setAttribute(key, value));
  if (words !== undefined) { made.textContent = words; }
  return made;
}

function cell(row, look, label, words) {
  const made = element("td", look, words);
  made.dataset.label = label;
  row.append(made);
  return made;
}

function keyOf(look) {
  const made = shape("svg", { class: "key " + look, width: 26, height: 12, viewBox: "0 0 26 12", "aria-hidden": "true" });
  made.append(shape("rect", { class: "area", x: 1, y: 1, width: 24, height: 10 }), shape("path", { class: "edge", d: "M1 1H25" }), shape("path", { class: "edge", d: "M1 11H25" }));
  return made;
}

function meter(part, whole, look) {
  const made = shape("svg", { class: "meter " + look, width: "100%", height: 8, viewBox: "0 0 100 8", preserveAspectRatio: "none", "aria-hidden": "true" });
  made.append(shape("rect", { width: ((100 * part) / Math.max(1, whole)).toFixed(1), height: 8 }));
  return made;
}

function broken(words, box) { // a line may end after each slash
  words.split("/").forEach((part, i, all) => { box.append(part + (i < all.length - 1 ? "/" : "")); if (i < all.length - 1) { box.append(element("wbr")); } });
  return box;
}

let toastTimer = 0;
function say(words) {
  const box = document.getElementById("toast");
  box.textContent = words;
  box.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { box.hidden = true; }, 2500);
}
