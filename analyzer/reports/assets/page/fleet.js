// What the filters change: the curve and the groups, the rankings, the table; and what people press.
const OUTCOMES = ["ready", "failed", "stopped", "incomplete"];
const originals = new Map(["reasons", "findings", "notes"].map((id) => [id, document.getElementById(id)]).filter(([, table]) => table)
  .map(([id, table]) => [id, Array.from(table.tBodies[0].rows)]));

// --- groups and the curve; where the page does not hold all starts, they stay as they came

const whole = DATA.left_out === 0 && DATA.metrics.length > 0 && document.getElementById("curve") !== null;

// All windows of `starts`.
function endsOf(metric, starts) {
  const found = starts.map((start) => bounds(metric, start)).filter(Boolean);
  return endsFrom(found.map((one) => one[0]), found.map((one) => one[1]));
}

function grouping() { return groupings.find((one) => one.id === view.by) || groupings[0]; }

function groupsOf(starts) {
  const way = grouping();
  if (!way.names.length) { return []; }
  const found = new Map();
  starts.forEach((start) => {
    const key = way.names.map((id) => valueOf(id, start)).join("\n");
    if (!found.has(key)) { found.set(key, []); }
    found.get(key).push(start);
  });
  const told = new Map(way.told ? DATA.groups.map((key, i) => [key, i]) : []);
  const place = (key) => (told.has(key) ? told.get(key) : Infinity);
  return Array.from(found, ([key, members]) => ({ key, members, values: key.split("\n"),
    name: way.names.map((id, i) => labelById.get(id).name + " " + key.split("\n")[i]).join(", ") }))
    .sort((a, b) => (place(a.key) === place(b.key) ? COLLATOR.compare(a.key, b.key) : place(a.key) - place(b.key)));
}

// All groups where they are few; else the two slowest and the fastest.
function firstDrawn(groups) {
  if (grouping().told && !isFiltered() && view.metric === defaults().metric) { return DATA.drawn; }
  const known = groups.filter((group) => group.ends.n);
  if (known.length <= 4) { return known.map((group) => group.key); }
  const large = known.filter((group) => group.ends.n >= 10);
  const ranked = (large.length >= 3 ? large : known).slice().sort((a, b) => quantile(b.ends, 0.5)[0] - quantile(a.ends, 0.5)[0]);
  return [ranked[0].key, ranked[1].key, ranked[ranked.length - 1].key];
}

function drawGroups() {
  if (!whole) { return; }
  const metric = metricById.get(view.metric);
  const groups = groupsOf(kept);
  groups.forEach((group) => { group.ends = endsOf(metric, group.members); });
  const keys = (view.drawn || firstDrawn(groups)).filter((key) => groups.some((group) => group.key === key));
  const drawn = groups.filter((group) => keys.includes(group.key)).slice(0, LOOKS);
  drawn.forEach((group, i) => { group.look = "c" + i; });
  const all = endsOf(metric, kept);
  const bands = [{ look: "whole", name: isFiltered() ? "starts that match" : "all starts", ends: all }].concat(drawn);
  if (isFiltered()) { bands.unshift({ look: "rest", name: "all starts", ends: endsOf(metric, EVERY) }); }
  drawCurve(bands, metric);
  drawGroupTable(groups, all, drawn.length);
}

function drawCurve(bands, metric) {
  const box = document.getElementById("curve");
  const auto = spreadOut(bands[0].ends);
  const log = view.log === null ? auto : view.log;
  document.getElementById("log").checked = log;
  document.getElementById("curve-title").textContent = metric.heading;
  picture = curveOf(bands, log, Math.max(280, box.clientWidth), { heading: metric.heading, axis: metric.axis,
    about: "share of starts against time, as a band for each group. The table of groups holds the same numbers." });
  box.textContent = "";
  box.append(picture.svg);
  const legend = document.getElementById("curve-legend");
  legend.textContent = "";
  bands.forEach((one) => { const item = element("li"); item.append(keyOf(one.look), " ", element("span", "", one.name)); legend.append(item); });
  document.getElementById("curve-note").textContent = isFiltered() ? "The filters below hold here too: " + count(kept.length, "start") + "." : "";
  read(null);
}

function outcomesOf(members) {
  const counts = new Map();
  members.forEach((start) => { const name = labelOf("outcome", start); counts.set(name, (counts.get(name) || 0) + 1); });
  const rank = (name) => (OUTCOMES.includes(name) ? OUTCOMES.indexOf(name) : 9);
  return Array.from(counts).sort((a, b) => rank(a[0]) - rank(b[0]) || COLLATOR.compare(a[0], b[0]));
}

function outcomeBar(members) {
  const parts = outcomesOf(members);
  const words = parts.map(([name, number]) => count(number) + " " + name + " (" + share(number, members.length) + ")");
  const made = shape("svg", { class: "outcomes", width: "100%", height: 10, viewBox: "0 0 100 10", preserveAspectRatio: "none", role: "img", "aria-label": words.join(", ") });
  let at = 0;
  parts.forEach(([name, number], i) => {
    const width = (100 * number) / members.length;
    const part = shape("rect", { class: "o-" + name.replace(/\W/g, "-"), x: at.toFixed(2), y: 0, width: width.toFixed(2), height: 10 });
    part.append(shape("title", {}, words[i]));
    made.append(part);
    at += width;
  });
  return made;
}

function groupRow(group, members, ends, look, ticked) {
  const row = element("tr");
  const head = element("th", "group");
  head.scope = "row";
  const box = element("span", "pick");
  if (group) {
    const tick = element("input");
    tick.type = "checkbox";
    tick.checked = ticked;
    tick.dataset.group = group.key;
    tick.setAttribute("aria-label", "Draw " + group.name);
    tick.disabled = ends.n === 0;
    box.append(tick);
  }
  if (look) { box.append(keyOf(look)); }
  head.append(box);
  if (box.children.length) { head.append(" "); }
  if (group) {
    const link = element("a", "", group.name);
    link.href = "#" + grouping().names.map((id, i) => encodeURIComponent(id) + "=" + encodeURIComponent(group.values[i])).join("&");
    head.append(link);
  } else { head.append(isFiltered() ? "starts that match" : "all starts"); }
  row.append(head);
  const failed = members.filter((start) => labelOf("outcome", start) === "failed").length;
  cell(row, "num", "Starts", count(members.length));
  cell(row, "num", "Hosts", count(new Set(members.map(hostKey)).size));
  const bar = element("td", "wide");
  bar.append(members.length ? outcomeBar(members) : "");
  row.append(bar);
  cell(row, "num", "Failed", failed ? count(failed) + " (" + share(failed, members.length) + ")" : "0");
  [[0.5, "Half"], [0.9, "9 in 10"], [0.99, "99 in 100"]].forEach(([level, words]) => {
    cell(row, "num", words, ends.n ? windowText(...quantile(ends, level)) : "–");
  });
  return row;
}

function drawGroupTable(groups, all, drawn) {
  const table = document.querySelector("#groups tbody");
  const focused = document.activeElement && document.activeElement.dataset.group;
  const limit = 100;
  table.textContent = "";
  table.append(groupRow(null, kept, all, "whole", false));
  groups.slice(0, limit).forEach((group) => table.append(groupRow(group, group.members, group.ends, group.look, Boolean(group.look))));
  table.querySelectorAll("input").forEach((tick) => { if (drawn >= LOOKS && !tick.checked) { tick.disabled = true; } if (tick.dataset.group === focused) { tick.focus(); } });
  document.getElementById("groups-note").textContent = groups.length ? "Tick a group to draw it, at most " + LOOKS + ". Follow its name to see its starts." : "";
}

function pickGroup(tick) {
  const now = new Set(Array.from(document.querySelectorAll("#groups input:checked"), (one) => one.dataset.group));
  view.drawn = Array.from(now).slice(0, LOOKS);
  writeHash();
  drawGroups();
}

function buildCurveTools() {
  const metric = document.getElementById("metric");
  const by = document.getElementById("by");
  DATA.metrics.forEach((one) => metric.append(new Option(one.heading, one.id)));
  groupings.forEach((one) => by.append(new Option(one.names.length ? "by " + one.names.map((id) => labelById.get(id).name).join(", ") : "none", one.id)));
  document.getElementById("curve-tools").hidden = false;
}

// --- rankings

function ranked(id) {
  const found = new Map();
  const add = (key, start, make) => {
    if (!found.has(key)) { found.set(key, Object.assign(make(), { starts: 0, on: new Set() })); }
    const one = found.get(key);
    one.starts += 1;
    one.on.add(hostKey(start));
  };
  kept.forEach((start) => {
    if (id === "reasons") { const reason = reasonOf(start); if (reason) { add(reason, start, () => ({ text: reason, value: reason, level: "" })); } return; }
    new Set(DATA.findings[start].map((kind) => DATA.kinds[kind][0])).forEach((name) => {
      const [, level, title] = DATA.kinds[DATA.findings[start].find((kind) => DATA.kinds[kind][0] === name)];
      if ((level === "info") === (id === "notes")) { add(name, start, () => ({ text: title, value: name, level })); }
    });
  });
  return Array.from(found.values()).sort((a, b) => b.starts - a.starts || COLLATOR.compare(a.text, b.text)).slice(0, 50);
}

function rankedRow(id, one, most, widest) {
  const row = element("tr", one.level);
  const head = element("th", "what");
  head.scope = "row";
  if (one.level) {
    const level = element("span", "level");
    const sign = element("span", "", levels.get(one.level) || "");
    sign.setAttribute("aria-hidden", "true");
    level.append(sign, element("span", "sr", one.level + ": "));
    head.append(level);
  }
  const link = element("a", "", one.text);
  link.href = "#" + (id === "reasons" ? "reason" : "finding") + "=" + encodeURIComponent(one.value);
  head.append(link);
  row.append(head);
  [["Starts", one.starts, most], ["Hosts", one.on.size, widest]].forEach(([label, number, limit]) => {
    const box = cell(row, "", label);
    box.dataset.sort = number;
    box.append(element("span", "count", count(number)), meter(number, limit, one.level || "bad"));
  });
  return row;
}

function drawRankings() {
  if (DATA.left_out) { return; } // they would be of a part of the starts
  originals.forEach((rows, id) => {
    const body = document.getElementById(id).tBodies[0];
    let shown = rows;
    if (isFiltered()) {
      const found = ranked(id);
      const [most, widest] = [Math.max(...found.map((one) => one.starts)), Math.max(...found.map((one) => one.on.size))];
      shown = found.map((one) => rankedRow(id, one, most, widest));
    }
    body.replaceChildren(...shown);
    if (!shown.length) { const row = element("tr"); const box = element("td", "", "None among the starts that match."); box.colSpan = 3; row.append(box); body.append(row); }
    const button = document.querySelector("#" + id + " th[aria-sort] button");
    if (button && shown.length) { sortRanked(button); }
  });
}

function sortRanked(button) {
  const table = button.closest("table");
  const column = Number(button.dataset.rank);
  table.querySelectorAll("th").forEach((head) => head.removeAttribute("aria-sort"));
  button.closest("th").setAttribute("aria-sort", "descending");
  const body = table.tBodies[0];
  Array.from(body.rows).sort((a, b) => Number(b.cells[column].dataset.sort) - Number(a.cells[column].dataset.sort)).forEach((row) => body.append(row));
}

// --- all together

function draw() {
  kept = sorted(matching());
  showFilters();
  if (whole) { document.getElementById("metric").value = view.metric; document.getElementById("by").value = view.by; }
  drawGroups();
  drawRankings();
  drawRows();
}

function changed() {
  view.row = 1;
  writeHash();
  draw();
}

function applyHash() {
  Object.assign(view, readHash());
  draw();
}

document.addEventListener("click", (event) => {
  const link = event.target.closest('a[href^="#"]:not(.skip)');
  if (link) { // adds its filter to those that hold
    event.preventDefault();
    const asked = new URLSearchParams(link.getAttribute("href").slice(1));
    asked.forEach((value, id) => { if (id === "reason" || id === "finding") { view[id] = value; } else if (labelById.has(id)) { view.labels.set(id, value); } });
    changed();
    document.getElementById("starts-card").scrollIntoView();
    return;
  }
  const button = event.target.closest("button");
  if (!button) { return; }
  if (button.dataset.drop) { drop(button.dataset.drop); changed(); document.getElementById("filter").focus();
  } else if (button.dataset.page) { toPage(button.dataset.page);
  } else if (button.dataset.open) { toggleStart(button);
  } else if (button.dataset.copy) { copyText(button.dataset.copy);
  } else if (button.dataset.rank) { sortRanked(button);
  } else if (button.dataset.key) { view.sort = view.sort === button.dataset.key ? "-" + view.sort : button.dataset.key; changed();
  } else if (button.id === "theme") { nextTheme(); }
});

let filterTimer = 0;
document.addEventListener("input", (event) => {
  if (!event.target.matches("#filter, #filters input[data-label]")) { return; }
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => {
    const box = event.target;
    if (box.id === "filter") { view.q = box.value.slice(0, LIMIT); } else if (box.value) { view.labels.set(box.dataset.label, box.value); } else { view.labels.delete(box.dataset.label); }
    changed();
  }, 150);
});
document.addEventListener("change", (event) => {
  const box = event.target;
  if (box.id === "log") { view.log = box.checked; writeHash(); drawGroups();
  } else if (box.id === "metric") { view.metric = box.value; view.log = null; changed();
  } else if (box.id === "by") { view.by = box.value; view.drawn = null; writeHash(); drawGroups();
  } else if (box.id === "from" || box.id === "to") { view[box.id] = box.value.slice(0, 16); changed();
  } else if (box.matches("#filters select")) { if (box.value) { view.labels.set(box.dataset.label, box.value); } else { view.labels.delete(box.dataset.label); } changed();
  } else if (box.dataset.group !== undefined) { pickGroup(box); }
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.target.closest("input, select")) { return; }
  if (event.key === "/" && COUNT) { document.getElementById("filter").focus(); event.preventDefault(); }
});
window.addEventListener("hashchange", applyHash);
let resizeTimer = 0;
window.addEventListener("resize", () => { clearTimeout(resizeTimer); resizeTimer = setTimeout(drawGroups, 120); });
if (COUNT) {
  findGroupings();
  buildFilters();
  if (whole) { buildCurveTools(); listenToCurve("The table of groups holds the same data."); }
  applyHash();
}
document.documentElement.dataset.drawn = "yes";
