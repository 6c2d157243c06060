// Which starts are asked for. All of it is in the address of the page, so that a link shows the same.
const MOMENT = /^\d{4}-\d\d-\d\dT\d\d:\d\d$/;
const SORTS = ["host", "outcome", "took", "began", "version", "why", "where"];
const LIMIT = 300; // characters of a text that somebody asks for
const view = { q: "", labels: new Map(), reason: null, finding: null, from: "", to: "", sort: "", row: 1, metric: "", by: "", log: null, drawn: null };

function defaults() {
  return { q: "", labels: new Map(), reason: null, finding: null, from: "", to: "", sort: "", row: 1,
    metric: DATA.metrics.length ? DATA.metrics[0].id : "", by: groupings[0].id, log: null, drawn: null };
}

// Ways to group: as the summary did, then each label that has several values, but not one for nearly every start.
const groupings = [];
function findGroupings() {
  const told = DATA.by.filter((id) => labelById.has(id));
  if (told.length && told.length === DATA.by.length) { groupings.push({ id: told.join(" "), names: told, told: true }); }
  LABELS.forEach((label) => {
    const known = groupings.length && groupings[0].told && groupings[0].id === label.id;
    if (!known && label.values.length > 1 && label.values.length <= 60 && label.id !== "input") { groupings.push({ id: label.id, names: [label.id], told: false }); }
  });
  const none = { id: "-", names: [], told: false };
  if (groupings.length && groupings[0].told) { groupings.push(none); } else { groupings.unshift(none); }
}

function readHash() {
  const asked = new URLSearchParams(location.hash.replace(/^#/, ""));
  const found = defaults();
  const get = (name) => (asked.get(name) || "").slice(0, LIMIT);
  found.q = get("q");
  LABELS.forEach((label) => { const value = asked.get(label.id); if (value && (label.id === "host" || label.id === "input" || label.values.includes(value))) { found.labels.set(label.id, value.slice(0, 2 * LIMIT)); } });
  if (asked.get("reason") && (asked.get("reason") === DATA.no_reason || DATA.texts.includes(asked.get("reason")))) { found.reason = asked.get("reason"); }
  if (asked.get("finding") && DATA.kinds.some(([id]) => id === asked.get("finding"))) { found.finding = asked.get("finding"); }
  if (MOMENT.test(get("from"))) { found.from = get("from"); }
  if (MOMENT.test(get("to"))) { found.to = get("to"); }
  if (SORTS.includes(get("sort").replace(/^-/, ""))) { found.sort = get("sort"); }
  if (/^\d{1,7}$/.test(get("row"))) { found.row = Math.max(1, Number(get("row"))); }
  if (metricById.has(asked.get("metric"))) { found.metric = asked.get("metric"); }
  if (groupings.some((one) => one.id === asked.get("by"))) { found.by = asked.get("by"); }
  if (["0", "1"].includes(get("log"))) { found.log = get("log") === "1"; }
  if (asked.has("show")) { found.drawn = asked.getAll("show").slice(0, LOOKS); }
  return found;
}

function writeHash() {
  const usual = defaults();
  const parts = [];
  const add = (name, value) => parts.push(encodeURIComponent(name) + "=" + encodeURIComponent(value));
  ["q", "reason", "finding", "from", "to", "sort"].forEach((name) => { if (view[name]) { add(name, view[name]); } });
  view.labels.forEach((value, id) => add(id, value));
  if (view.row > 1) { add("row", view.row); }
  if (view.metric !== usual.metric) { add("metric", view.metric); }
  if (view.by !== usual.by) { add("by", view.by); }
  if (view.log !== null) { add("log", view.log ? 1 : 0); }
  if (view.drawn) { (view.drawn.length ? view.drawn : [""]).forEach((key) => add("show", key)); }
  const hash = "#" + parts.join("&");
  if (hash === (location.hash || "#")) { return; }
  try { history.replaceState(null, "", parts.length ? hash : location.pathname + location.search); } catch (error) { location.hash = hash; }
}

// --- which starts match

let haystack = null;
function searched(start) {
  if (!haystack) { haystack = new Array(COUNT); }
  if (haystack[start] === undefined) {
    haystack[start] = LABELS.slice(0, LABELS.length - USERS.length).map((label) => text(label.at[start]))
      .concat(labelTexts(start), [text(DATA.unit[start]), text(DATA.reason[start]), text(DATA.cause[start])]).join("\n").toLowerCase();
  }
  return haystack[start];
}

function seconds(moment) { return MOMENT.test(moment) ? Date.parse(moment + ":00Z") / 1000 : NaN; }

function conditions() {
  const asked = [];
  const wanted = view.q.toLowerCase().split(/\s+/).filter(Boolean);
  if (wanted.length) { asked.push((start) => { const all = searched(start); return wanted.every((word) => all.includes(word)); }); }
  view.labels.forEach((value, id) => {
    const label = labelById.get(id);
    if (label.values.includes(value)) { asked.push((start) => (text(label.at[start]) || UNKNOWN) === value);
    } else { const low = value.toLowerCase(); asked.push((start) => text(label.at[start]).toLowerCase().includes(low)); }
  });
  if (view.reason) { asked.push((start) => reasonOf(start) === view.reason); }
  if (view.finding) { const kinds = new Set(DATA.kinds.map(([id], i) => (id === view.finding ? i : -1))); asked.push((start) => DATA.findings[start].some((kind) => kinds.has(kind))); }
  const [from, to] = [seconds(view.from), seconds(view.to)];
  if (!isNaN(from)) { asked.push((start) => DATA.began[start] !== null && DATA.began[start] >= from); }
  if (!isNaN(to)) { asked.push((start) => DATA.began[start] !== null && DATA.began[start] < to + 60); }
  return asked;
}

const EVERY = Array.from({ length: COUNT }, (_, start) => start);
function matching() {
  const asked = conditions();
  return asked.length ? EVERY.filter((start) => asked.every((holds) => holds(start))) : EVERY;
}

function isFiltered() { return conditions().length > 0; }

// --- the fields

function field(look, id, words, control) {
  const box = element("div", "field " + look);
  const label = element("label", "", words);
  label.htmlFor = id;
  control.id = id;
  box.append(label, control);
  return box;
}

function choice(label) {
  const made = element("select");
  made.dataset.label = label.id;
  made.append(new Option("all", ""));
  label.values.forEach((value) => made.append(new Option(value.length > 80 ? value.slice(0, 80) + "…" : value, value)));
  return made;
}

function buildFilters() {
  const box = document.getElementById("filters");
  const main = element("div", "fields");
  const search = element("input");
  search.type = "search";
  search.autocomplete = "off";
  search.spellcheck = false;
  main.append(field("search", "filter", "Text in any column", search));
  LABELS.filter((label) => label.id === "host" || (label.id !== "input" && label.values.length > 1 && label.values.length <= 300)).forEach((label, i) => {
    let control = choice(label);
    if (label.id === "host") {
      if (label.values.length < 2) { return; }
      control = element("input");
      control.type = "search";
      control.dataset.label = "host";
      control.autocomplete = "off";
      control.setAttribute("list", "hosts");
      const list = element("datalist");
      list.id = "hosts";
      label.values.forEach((value) => list.append(new Option(value)));
      box.append(list);
    }
    main.append(field("", "f-" + i, label.id.startsWith("label.") ? label.name : label.name[0].toUpperCase() + label.name.slice(1), control));
  });
  if (DATA.began.some((began) => began !== null)) {
    [["from", "Began from (UTC)"], ["to", "Began until (UTC)"]].forEach(([id, words]) => {
      const control = element("input");
      control.type = "datetime-local";
      main.append(field("moment", id, words, control));
    });
  }
  const chips = element("div", "chips");
  chips.id = "chips";
  box.append(main, chips);
  box.hidden = false;
}

function showFilters() {
  document.getElementById("filter").value = view.q;
  document.querySelectorAll("#filters [data-label]").forEach((control) => { control.value = view.labels.get(control.dataset.label) || ""; });
  ["from", "to"].forEach((id) => { const control = document.getElementById(id); if (control) { control.value = view[id]; } });
  const chips = document.getElementById("chips");
  chips.textContent = "";
  const chip = (words, drop) => { const made = element("button", "drop", words + " ×"); made.type = "button"; made.dataset.drop = drop; made.setAttribute("aria-label", "Drop the filter " + words); chips.append(made); };
  view.labels.forEach((value, id) => chip(labelById.get(id).name + ": " + value, id));
  if (view.reason) { chip("reason: " + view.reason, "reason"); }
  if (view.finding) { chip("finding: " + (DATA.kinds.find(([id]) => id === view.finding) || ["", "", view.finding])[2], "finding"); }
  if (view.q) { chip("text: " + view.q, "q"); }
  if (view.from) { chip("from " + view.from.replace("T", " "), "from"); }
  if (view.to) { chip("until " + view.to.replace("T", " "), "to"); }
  if (chips.children.length > 1) { const all = element("button", "", "Drop all filters"); all.type = "button"; all.dataset.drop = "*"; chips.append(all); }
}

function drop(name) {
  const usual = defaults();
  if (name === "*") { ["q", "labels", "reason", "finding", "from", "to"].forEach((one) => { view[one] = usual[one]; });
  } else if (labelById.has(name)) { view.labels.delete(name);
  } else if (["q", "reason", "finding", "from", "to"].includes(name)) { view[name] = usual[name]; }
  view.row = 1;
}
