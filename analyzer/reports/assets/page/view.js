// What is shown: which start, which range, which filter; kept in the address so that a link shows the same.
const byIndex = new Map(DATA.starts.map((start) => [start.index, start]));
const order = DATA.starts.map((start) => start.index);
const sections = new Map();
const main = document.getElementById("details");
const view = { start: DATA.shown, range: null, filter: "", extra: false };
let figure = null;
let cursor = -1;
let shownWidth = 0;

function current() { return byIndex.get(view.start); }

function focusRange(start) {
  const margin = (start.focus - start.focus_begin) * 0.03;
  return [start.focus_begin - margin, start.focus + margin];
}

function wholeRange(start) {
  const margin = (start.end - start.begin) * 0.03;
  return [start.begin - margin, start.end + margin];
}

function readHash() {
  const found = new URLSearchParams(location.hash.replace(/^#/, ""));
  const start = Number(found.get("start"));
  const range = (found.get("x") || "").split(",").map(Number);
  return {
    start: found.has("start") && byIndex.has(start) ? start : null,
    range: range.length === 2 && range.every(Number.isFinite) && range[1] - range[0] >= 0.001 ? range : null,
    filter: found.get("q") || "",
    extra: found.get("all") === "1",
  };
}

function writeHash() {
  const parts = ["start=" + view.start];
  if (view.range) { parts.push("x=" + view.range.map((v) => Number(v.toFixed(3))).join(",")); }
  if (view.filter) { parts.push("q=" + encodeURIComponent(view.filter)); }
  if (view.extra) { parts.push("all=1"); }
  const hash = "#" + parts.join("&");
  if (hash === location.hash) { return; }
  try { history.replaceState(null, "", hash); } catch (error) { location.hash = hash; }
}

// On a narrow screen a row is a list of cells, each with the name of its column before it. A column of nothing is left out.
function labelCells(root) {
  root.querySelectorAll("table:not(.stacked)").forEach((table) => {
    const heads = Array.from(table.tHead.rows[0].cells, (cell) => cell.textContent.trim());
    Array.from(table.tBodies[0].rows).forEach((row) => Array.from(row.cells).forEach((cell, i) => { if (cell.textContent.trim()) { cell.dataset.label = heads[i]; } }));
    heads.forEach((_, i) => {
      if (Array.from(table.tBodies[0].rows).every((row) => !row.cells[i].textContent.trim())) {
        Array.from(table.rows).forEach((row) => { row.cells[i].hidden = true; });
      }
    });
    table.classList.add("stacked");
  });
}

// --- filter ---------------------------------------------------------------------------------------------------------

function words() { return view.filter.toLowerCase().split(/\s+/).filter(Boolean); }

function matches(text, wanted) {
  const low = text.toLowerCase();
  return wanted.every((word) => low.includes(word));
}

function markText(mark) { return [mark.n, mark.l || ""].concat((mark.e || []).map((ref) => DATA.evidence[ref] || "")).join(" "); }

function rowsShown(start, wanted, range) {
  return start.rows.filter((row) => {
    if (row.kind === "gaps") { return row.marks.some((m) => m.b >= range[0] && m.a <= range[1]) || row.dots.some((d) => d.t >= range[0] && d.t <= range[1]); }
    if (row.kind !== "check") { return true; }
    if (wanted.length) { return matches([row.full].concat(row.marks.map((m) => m.n)).join(" "), wanted); }
    return view.extra || !row.extra;
  });
}

function filterTables(wanted) {
  main.querySelectorAll("table.data tbody tr").forEach((tr) => { tr.hidden = wanted.length > 0 && !matches(tr.textContent, wanted); });
}

function tellMatches(start, rows, wanted) {
  const box = document.getElementById("matches");
  if (!wanted.length) { box.textContent = ""; return; }
  const checks = start.rows.filter((row) => row.kind === "check").length;
  const messages = start.rows.filter((row) => row.kind !== "check" && row.kind !== "datastore").flatMap((row) => row.dots);
  const hits = messages.filter((dot) => matches(markText(dot), wanted)).length;
  box.textContent = rows.filter((row) => row.kind === "check").length + " of " + checks + " checks, " + hits + " of " + messages.length + " messages";
}

// --- drawing --------------------------------------------------------------------------------------------------------

function say_empty(box, text) {
  if (box.classList.contains("js-plotly-plot")) { Plotly.purge(box); }
  box.textContent = "";
  box.append(element("p", "empty", text));
}

function drawTimeline() {
  const start = current();
  const box = document.getElementById("timeline");
  if (!start || !box) { return; }
  hideTip();
  const wanted = words();
  filterTables(wanted);
  const range = view.range || focusRange(start);
  const rows = rowsShown(start, wanted, range);
  tellMatches(start, rows, wanted);
  const notes = document.getElementById("notes");
  notes.textContent = "";
  start.notes.forEach((note) => notes.append(element("li", "", note)));
  const extra = start.rows.filter((row) => row.extra).length;
  document.getElementById("extra").parentElement.hidden = extra === 0;
  if (!(start.end > start.begin) || !rows.length) {
    figure = null;
    say_empty(box, rows.length || !start.rows.length ? "No line of this start has a usable timestamp, so there is no time axis. The tables below hold what the log says." : "Nothing matches the filter.");
    return;
  }
  shownWidth = box.clientWidth;
  figure = timelineFigure(start, rows, range, shownWidth, (dot) => wanted.length > 0 && !matches(markText(dot), wanted));
  cursor = -1;
  legend(figure.data, rows);
  const fresh = !box.classList.contains("js-plotly-plot");
  if (fresh) { box.textContent = ""; }
  Plotly.react(box, figure.data, figure.layout, CONFIG);
  if (fresh) { listen(box); }
}

// The legend has what the picture has.
function legend(data, rows) {
  const looks = new Set(data.map((trace) => trace.look || trace.meta));
  if (rows.some((row) => row.blocker)) { looks.add("blocker"); }
  main.querySelectorAll(".legend li").forEach((item) => { item.hidden = !item.dataset.look.split(" ").some((look) => looks.has(look)); });
}

function listen(box) {
  box.on("plotly_hover", (event) => {
    const point = event.points[0];
    if (!figure || point.customdata === undefined) { return; }
    tipForMark(current(), figure.marks[point.customdata]);
    showTip(event.event.clientX, event.event.clientY);
  });
  box.on("plotly_unhover", hideTip);
  box.on("plotly_click", (event) => {
    const point = event.points[0];
    if (!figure || point.customdata === undefined) { return; }
    const item = figure.marks[point.customdata];
    tipForMark(current(), item);
    if (event.event.clientX !== undefined) { showTip(event.event.clientX, event.event.clientY); }
    copyRefs(item.mark.e || [], item.mark.n);
  });
  box.on("plotly_doubleclick", () => { setRange(null); });
  box.on("plotly_relayout", (change) => {
    const low = change["xaxis.range[0]"];
    const high = change["xaxis.range[1]"];
    if (low !== undefined && high !== undefined) { setRange([low, high]); }
  });
}

function setRange(range) {
  const start = current();
  if (!start) { return; }
  if (range) {
    const whole = wholeRange(start);
    const width = Math.min(Math.max(range[1] - range[0], 0.01), whole[1] - whole[0]);
    const low = Math.min(Math.max((range[0] + range[1] - width) / 2, whole[0]), whole[1] - width);
    range = [low, low + width];
  }
  view.range = range;
  writeHash();
  drawTimeline();
}

function zoom(factor) {
  const [low, high] = view.range || focusRange(current());
  const middle = (low + high) / 2;
  const half = ((high - low) / 2) * factor;
  setRange([middle - half, middle + half]);
}

function move(part) {
  const [low, high] = view.range || focusRange(current());
  setRange([low + (high - low) * part, high + (high - low) * part]);
}

function drawOverview() {
  const box = document.getElementById("overview");
  if (!box) { return; }
  if (!DATA.overview.some((i) => i.lower !== null || i.upper !== null)) { say_empty(box, "No start in this log says anything about readiness."); return; }
  const made = overviewFigure(DATA.overview, box.clientWidth, view.start);
  document.getElementById("overview-scale").textContent = (made.wide ? ", on a logarithmic scale" : "")
    + DATA.quantiles.map((q) => "; " + q.words).join("");
  const fresh = !box.classList.contains("js-plotly-plot");
  Plotly.react(box, made.data, made.layout, CONFIG);
  if (!fresh) { return; }
  box.on("plotly_hover", (event) => {
    const item = DATA.overview.find((i) => i.index === event.points[0].customdata);
    fillTip("Start " + item.index + ", " + item.outcome, "", item.upper === null && item.lower !== null ? "/readyz OK: " + item.words : "/readyz OK " + item.words, []);
    showTip(event.event.clientX, event.event.clientY);
  });
  box.on("plotly_unhover", hideTip);
  box.on("plotly_click", (event) => { if (byIndex.has(event.points[0].customdata)) { showStart(event.points[0].customdata); } });
}

function drawAll() {
  const start = current();
  drawOverview();
  if (!start) { return; }
  drawTimeline();
}

// --- switching ------------------------------------------------------------------------------------------------------

function showStart(index, keep) {
  if (!byIndex.has(index)) { return; }
  if (index !== view.start) {
    const old = main.querySelector("article.start");
    main.querySelectorAll(".plot").forEach((box) => { if (box.classList.contains("js-plotly-plot")) { Plotly.purge(box); box.textContent = ""; } });
    sections.set(view.start, old);
    if (!sections.has(index)) {
      const template = document.querySelector('template[data-start="' + index + '"]');
      sections.set(index, document.importNode(template.content, true).querySelector("article.start"));
      labelCells(sections.get(index));
    }
    old.replaceWith(sections.get(index));
    view.start = index;
    if (!keep) { view.range = null; }
    say("Start " + index + " shown");
  }
  document.querySelectorAll("#starts tbody tr").forEach((tr) => {
    if (Number(tr.dataset.start) === index) { tr.setAttribute("aria-current", "true"); } else { tr.removeAttribute("aria-current"); }
  });
  const pick = document.getElementById("pick");
  if (pick) {
    pick.value = String(index);
    document.getElementById("previous").disabled = order.indexOf(index) === 0;
    document.getElementById("next").disabled = order.indexOf(index) === order.length - 1;
  }
  document.getElementById("filter").value = view.filter;
  document.getElementById("extra").checked = view.extra;
  writeHash();
  drawAll();
}

function step(by) {
  const next = order[order.indexOf(view.start) + by];
  if (next !== undefined) { showStart(next); }
}

function applyHash() {
  const asked = readHash();
  view.range = asked.range;
  view.filter = asked.filter;
  view.extra = asked.extra;
  if (view.start !== null) { showStart(asked.start === null ? view.start : asked.start, true); } else { drawAll(); }
}

function sortStarts(button) {
  const head = button.closest("th");
  const column = Array.from(head.parentElement.children).indexOf(head);
  const up = head.getAttribute("aria-sort") !== "ascending";
  head.parentElement.querySelectorAll("th").forEach((th) => th.removeAttribute("aria-sort"));
  head.setAttribute("aria-sort", up ? "ascending" : "descending");
  const body = document.querySelector("#starts tbody");
  const numbers = ["index", "began", "ready"].includes(button.dataset.key);
  const key = (tr) => { const text = tr.children[column].dataset.sort; return numbers ? Number(text) : text; };
  const compare = (a, b) => (numbers ? key(a) - key(b) : key(a).localeCompare(key(b), "en", { numeric: true }));
  Array.from(body.rows).sort((a, b) => (up ? compare(a, b) : compare(b, a))).forEach((tr) => body.append(tr));
}

// --- keys, events ---------------------------------------------------------------------------------------------------

function toggleHelp() {
  const help = document.getElementById("help");
  help.hidden = !help.hidden;
  document.getElementById("help-button").setAttribute("aria-expanded", String(!help.hidden));
}

function savePicture() {
  Plotly.downloadImage(document.getElementById("timeline"), { format: "svg", filename: "k3s-start-" + view.start });
}

const DO = {
  in: () => zoom(0.5), out: () => zoom(2), left: () => move(-0.25), right: () => move(0.25),
  start: () => setRange(null), all: () => setRange(wholeRange(current())), svg: savePicture,
};

function walk(by) {
  if (!figure) { return; }
  const box = document.getElementById("timeline");
  const [low, high] = view.range || focusRange(current());
  const seen = figure.marks.map((item, i) => [item, i]).filter(([item]) => item.to >= low && item.from <= high);
  if (!seen.length) { return; }
  seen.sort((a, b) => a[0].spot.center - b[0].spot.center || a[0].from - b[0].from);
  const position = seen.findIndex(([, i]) => i === cursor);
  const next = position < 0 ? (by > 0 ? 0 : seen.length - 1) : (position + by + seen.length) % seen.length;
  const [item, index] = seen[next];
  cursor = index;
  const at = Math.min(Math.max((Math.max(item.from, low) + Math.min(item.to, high)) / 2, low), high);
  const m = figure.layout.margin;
  const inner = figure.layout.width - m.l - m.r;
  const px = m.l + ((at - low) / (high - low)) * inner;
  const py = m.t + ((item.spot.center + 0.1) / (figure.total + 0.2)) * (figure.layout.height - m.t - m.b);
  const ring = { type: "rect", xref: "x", yref: "y", x0: Math.max(item.from, low), x1: Math.min(item.to, high), y0: item.spot.center - 0.46, y1: item.spot.center + 0.46,
    line: { color: colour("focus"), width: 3 } };
  if (item.from === item.to) { const half = (9 / inner) * (high - low); ring.x0 = at - half; ring.x1 = at + half; }
  Plotly.relayout(box, { shapes: figure.layout.shapes.filter((s) => !s.ring).concat([ring]) });
  const rect = box.getBoundingClientRect();
  if (rect.top + py < 60 || rect.top + py > window.innerHeight - 60) { window.scrollBy(0, rect.top + py - window.innerHeight / 2); }
  const moved = box.getBoundingClientRect();
  tipForMark(current(), item);
  showTip(moved.left + px, moved.top + py);
}

function chartKey(event) {
  if (event.key === "+" || event.key === "=") { zoom(0.5);
  } else if (event.key === "-") { zoom(2);
  } else if (event.key === "0") { setRange(null);
  } else if (event.key === "ArrowLeft") { move(-0.25);
  } else if (event.key === "ArrowRight") { move(0.25);
  } else if (event.key === "n") { walk(1);
  } else if (event.key === "p") { walk(-1);
  } else if (event.key === "Enter" && figure && cursor >= 0) { const mark = figure.marks[cursor].mark; copyRefs(mark.e || [], mark.n);
  } else { return false; }
  event.preventDefault();
  return true;
}

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey) { return; }
  if (event.key === "Escape") { hideTip(); return; }
  const target = event.target;
  if (target.closest("input, select, textarea")) { return; }
  if (target.id === "timeline" && chartKey(event)) { return; }
  if (event.key === "/" && document.getElementById("filter")) { document.getElementById("filter").focus();
  } else if (event.key === "[") { step(-1);
  } else if (event.key === "]") { step(1);
  } else if (event.key === "?") { toggleHelp();
  } else if (event.key === "t" && document.getElementById("timeline")) { document.getElementById("timeline").focus();
  } else { return; }
  event.preventDefault();
});

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  const link = event.target.closest('a[href^="#start="]');
  if (link) { event.preventDefault(); showStart(Number(link.getAttribute("href").slice(7))); return; }
  if (!button) { return; }
  if (button.dataset.copy) { copyText(button.dataset.copy, "the command");
  } else if (button.dataset.ref) { copyRefs([button.dataset.ref], "");
  } else if (button.dataset.do) { DO[button.dataset.do]();
  } else if (button.dataset.key) { sortStarts(button);
  } else if (button.id === "previous") { step(-1);
  } else if (button.id === "next") { step(1);
  } else if (button.id === "help-button") { toggleHelp();
  } else if (button.id === "theme") {
    nextTheme();
    drawAll();
  }
});

let filterTimer = 0;
document.addEventListener("input", (event) => {
  if (event.target.id !== "filter") { return; }
  clearTimeout(filterTimer);
  filterTimer = setTimeout(() => { view.filter = document.getElementById("filter").value; writeHash(); drawTimeline(); }, 120);
});
document.addEventListener("change", (event) => {
  if (event.target.id === "extra") { view.extra = event.target.checked; writeHash(); drawTimeline(); }
  if (event.target.id === "pick") { showStart(Number(event.target.value)); }
});
["mouseover", "focusin"].forEach((kind) => document.addEventListener(kind, (event) => {
  const button = event.target.closest && event.target.closest("button.ref");
  if (button) { tipForButton(button); }
}));
["mouseout", "focusout"].forEach((kind) => document.addEventListener(kind, (event) => {
  if (event.target.closest && event.target.closest("button.ref, #timeline")) { hideTip(); }
}));
window.addEventListener("scroll", hideTip, { passive: true });
window.addEventListener("hashchange", () => { applyHash(); });
let resizeTimer = 0;
window.addEventListener("resize", () => {
  clearTimeout(resizeTimer);
  resizeTimer = setTimeout(() => { const box = document.getElementById("timeline"); if (box && box.clientWidth !== shownWidth) { drawAll(); } }, 120);
});
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", drawAll);
let beforePrint = "";
window.addEventListener("beforeprint", () => {
  beforePrint = document.documentElement.dataset.theme || "";
  setTheme("light");
  document.querySelectorAll("main details").forEach((box) => { box.open = true; });
  drawAll();
});
window.addEventListener("afterprint", () => { setTheme(beforePrint); drawAll(); });

labelCells(document);
applyHash();
document.documentElement.dataset.drawn = "yes";
