// The starts that the page holds, as columns.
const DATA = JSON.parse(document.getElementById("k3slog-data").textContent);
const COUNT = DATA.starts;
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
