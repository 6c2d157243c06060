// Figures from the rows of the embedded data. Nothing is computed about the start here: a bar is a row's mark.
const DATA = JSON.parse(document.getElementById("k3slog-data").textContent);
const CONFIG = { displayModeBar: false, displaylogo: false, scrollZoom: false, doubleClick: false, showTips: false, responsive: false };
const HEIGHT = { phase: 0.8, failing: 0.66, waiting: 0.66, uncertain: 0.66, pale: 0.5, ok: 0.2, ready: 0.34, unseen: 0.05, run: 0.74, gap: 0.7 };
const FILL = { phase: "phase-a", failing: "failing", waiting: "failing", ok: "ok", ready: "ok", unseen: "unseen", run: "phase-b", gap: "paper" };
const NAMES = { phase: "phase", failing: "certainly failing", waiting: "certainly not ready", uncertain: "uncertain", pale: "uncertain", ok: "certainly OK",
  ready: "ready, not noticed yet", unseen: "nothing seen", run: "merged polls", gap: "gap" };
const COARSE = window.matchMedia("(pointer: coarse)").matches;

// plotly reads a subset of HTML in its texts; names from a log must stay names
function plain(text) { return text.replace(/&/g, "&amp;").replace(/</g, "&lt;").replace(/>/g, "&gt;"); }

const measure = document.createElement("canvas").getContext("2d");

function textWidth(text, weight) {
  measure.font = weight + " 12px " + FONT;
  return measure.measureText(text).width;
}

// The name as it fits into `room` pixels; the tip has it whole.
function fitted(text, room) {
  if (textWidth(text, 400) <= room) { return text; }
  let length = text.length - 1;
  while (length > 4 && textWidth(text.slice(0, length) + "…", 400) > room) { length -= 1; }
  return text.slice(0, length) + "…";
}

function hatch() {
  return { color: colour("uncertain-fill"), line: { color: colour("uncertain"), width: 1 },
    pattern: { shape: "/", fgcolor: colour("uncertain"), bgcolor: colour("uncertain-fill"), size: 7, solidity: 0.35 } };
}

function barMarker(kind) {
  if (kind === "pale") { return { color: colour("uncertain-fill"), line: { color: colour("uncertain"), width: 0.7 } }; }
  if (kind === "uncertain") { return hatch(); }
  if (kind === "gap") { return { color: colour("panel"), line: { color: colour("gap"), width: 1.5 } }; }
  if (kind === "run") { return { color: colour("phase-b"), line: { color: colour("hue-1"), width: 1 } }; }
  if (kind === "phase") { return { color: colour("phase-a"), line: { color: colour("paper"), width: 1 } }; }
  return { color: colour(FILL[kind]) };
}

function baseLayout(width, height) {
  return { width, height, paper_bgcolor: colour("paper"), plot_bgcolor: colour("paper"), barmode: "overlay", hovermode: "closest",
    hoverdistance: 12, showlegend: false, dragmode: COARSE ? false : "zoom",
    font: { family: FONT, size: 12, color: colour("ink") } };
}

function axisLook() {
  return { gridcolor: colour("grid"), linecolor: colour("line"), tickcolor: colour("line"), zeroline: false, showline: true };
}

// Rows get a height each; `narrow` puts their names above the bars instead of beside them.
function place(rows, narrow) {
  let top = 0;
  return rows.map((row) => {
    const tall = row.kind === "milestones" ? 2 : 1;
    const height = narrow ? tall + 0.7 : tall;
    const center = top + (narrow ? 0.7 : 0) + tall / 2;
    const at = { row, top, center, unit: narrow ? 0.8 : 1 };
    top += height;
    return at;
  });
}

function timelineFigure(start, rows, range, width, faded) {
  const narrow = width < 640;
  const placed = place(rows, narrow);
  const last = placed[placed.length - 1];
  const total = last ? last.center + (last.row.kind === "milestones" ? 1 : 0.5) : 1;
  const marks = [];
  const bars = new Map();
  const dots = new Map();
  const ends = { x: [], y: [], text: [] };
  placed.forEach((spot) => {
    spot.row.marks.forEach((mark) => {
      const look = mark.k === "uncertain" && !mark.m ? "pale" : mark.k; // hatched only where it decides something
      if (!bars.has(look)) { bars.set(look, []); }
      bars.get(look).push([spot, mark, marks.push({ spot, mark, from: mark.a, to: mark.b }) - 1]);
      if (mark.ob) { ends.x.push(mark.b); ends.y.push(spot.center); ends.text.push("»"); }
      if (mark.oa) { ends.x.push(mark.a); ends.y.push(spot.center); ends.text.push("«"); }
    });
    spot.row.dots.forEach((dot) => {
      const key = JSON.stringify([dot.k, dot.x === undefined ? 0 : dot.x, dot.p !== false]);
      if (!dots.has(key)) { dots.set(key, []); }
      dots.get(key).push([spot, dot, marks.push({ spot, mark: dot, from: dot.t, to: dot.t }) - 1]);
    });
  });
  const data = [];
  ["unseen", "ok", "phase", "run", "gap", "waiting", "failing", "ready", "pale", "uncertain"].forEach((kind) => {
    const found = bars.get(kind);
    if (!found) { return; }
    data.push({ type: "bar", orientation: "h", name: NAMES[kind], meta: kind === "pale" ? "uncertain" : kind, look: kind, hoverinfo: "none", cliponaxis: true,
      y: found.map(([spot]) => spot.center), base: found.map(([, mark]) => mark.a), x: found.map(([, mark]) => mark.b - mark.a),
      width: found.map(([spot]) => HEIGHT[kind] * spot.unit), marker: barMarker(kind), customdata: found.map(([, , i]) => i) });
  });
  dots.forEach((found) => {
    const first = found[0][1];
    let symbol = "diamond";
    let shade = colour("milestone");
    if (first.k === "poll") {
      const look = first.x === null ? DATA.success : DATA.errors[first.x] || DATA.errors.other;
      symbol = look[0] + (first.p || first.x === null ? "" : "-open");
      shade = colour(look[1]);
    } else if (first.k === "step") { symbol = "line-ns"; shade = colour("gap");
    } else if (first.k === "trouble") { symbol = "triangle-down"; shade = colour("failing");
    } else if (first.k === "seen") { symbol = "line-ns"; shade = colour("failing"); }
    data.push({ type: "scatter", mode: "markers", meta: first.k, hoverinfo: "none", name: first.k,
      x: found.map(([, dot]) => dot.t), y: found.map(([spot]) => spot.center), customdata: found.map(([, , i]) => i),
      marker: { symbol, color: shade, size: first.k === "poll" ? 10 : 9, opacity: found.map(([, dot]) => (faded(dot) ? 0.12 : 1)),
        line: { color: shade, width: symbol === "line-ns" ? 2.5 : symbol.endsWith("-open") ? 2 : 1 } } });
  });
  if (ends.x.length) {
    data.push({ type: "scatter", mode: "text", hoverinfo: "skip", meta: "open", x: ends.x, y: ends.y, text: ends.text,
      textposition: ends.text.map((t) => (t === "»" ? "middle right" : "middle left")), textfont: { size: 15, color: colour("uncertain") } });
  }
  const unit = narrow ? 26 : 28;
  const layout = baseLayout(width, Math.round(total * unit) + (narrow ? 92 : 74));
  const labelWidth = narrow ? 34 : Math.ceil(Math.max(60, ...rows.map((r) => rowWidth(r, width)))) + 16;
  layout.margin = { l: labelWidth, r: narrow ? 28 : 24, t: 8, b: narrow ? 84 : 66 };
  layout.xaxis = Object.assign(axisLook(), { range: range.slice(), tickmode: "array", tickangle: 0, ticks: "outside",
    title: { text: "time since " + plain(start.origin) + (start.wall === null ? "" : (narrow ? ";<br>" : "; ") + "clock of the log, " + plain(start.zone)), standoff: 6, font: { size: 12 } } });
  layout.yaxis = Object.assign(axisLook(), { range: [total + 0.1, -0.1], showline: !narrow, fixedrange: true, showgrid: false, ticks: "",
    tickmode: "array", showticklabels: !narrow, tickvals: placed.map((s) => s.center), ticktext: placed.map((s) => rowLabel(s.row, width)) });
  layout.shapes = bands(start, rows);
  const figure = { data, layout, marks, placed, narrow, total, fixedAnnotations: narrow ? placed.map((s) => nameAbove(s, width)) : [] };
  tune(figure, start, range);
  return figure;
}

function rowName(row, width) { return fitted(row.label, width < 640 ? width - 60 : width * 0.36); }

function rowWidth(row, width) { return textWidth((row.blocker ? "▶ " : "") + rowName(row, width), row.blocker ? 700 : 400); }

function rowLabel(row, width) {
  const sign = row.blocker === "certain" ? "▶ " : row.blocker ? "▷ " : "";
  const name = plain(rowName(row, width));
  return row.blocker ? "<b>" + sign + name + "</b>" : name;
}

function nameAbove(spot, width) {
  return { xref: "paper", x: 0, xshift: -30, xanchor: "left", yref: "y", y: spot.top + 0.36, yanchor: "middle", showarrow: false, align: "left",
    text: rowLabel(spot.row, width), font: { size: 12, color: colour("ink") }, bgcolor: colour("paper"), borderpad: 1 };
}

// Stripes through all rows: the window of readiness, gaps, clock steps.
function bands(start, rows) {
  const stripe = (from, to, fill, opacity) => ({ type: "rect", xref: "x", yref: "paper", x0: from, x1: to, y0: 0, y1: 1, layer: "below",
    fillcolor: colour(fill), opacity, line: { width: 0 } });
  const found = [];
  if (start.ready.lower !== null && start.ready.upper !== null) { found.push(stripe(start.ready.lower, start.ready.upper, "uncertain", 0.1)); }
  rows.filter((row) => row.kind === "gaps").forEach((row) => {
    row.marks.forEach((mark) => found.push(stripe(mark.a, mark.b, "gap", 0.1)));
    row.dots.forEach((dot) => found.push({ type: "line", xref: "x", yref: "paper", x0: dot.t, x1: dot.t, y0: 0, y1: 1, layer: "below",
      line: { color: colour("gap"), width: 1, dash: "dash" } }));
  });
  return found;
}

// What depends on the visible range: ticks, and names of milestones where they fit without touching each other.
function tune(figure, start, range) {
  const inner = figure.layout.width - figure.layout.margin.l - figure.layout.margin.r;
  const found = axisTicks(range, inner, start.wall);
  figure.layout.xaxis.tickvals = found.values;
  figure.layout.xaxis.ticktext = found.texts;
  figure.layout.annotations = figure.fixedAnnotations.concat(barNames(figure, range, inner), stoneNames(figure, range, inner));
}

// Names inside bars, in the middle of the part that is visible, where they fit.
function barNames(figure, range, inner) {
  const scale = inner / (range[1] - range[0]);
  return figure.marks.filter((item) => item.mark.l && item.to > item.from).flatMap((item) => {
    const low = Math.max(item.from, range[0]);
    const high = Math.min(item.to, range[1]);
    if (item.mark.k === "uncertain") { return hatchWords(item, low, high, range, scale); }
    if ((high - low) * scale < textWidth(item.mark.l, 400) + 4) { return []; }
    return [{ xref: "x", yref: "y", x: (low + high) / 2, y: item.spot.center, xanchor: "center", yanchor: "middle", showarrow: false,
      text: plain(item.mark.l), font: { size: 11, color: colour(item.mark.k === "gap" ? "ink" : "phase-ink") } }];
  });
}

// What a hatched window is, inside it or beside it, whichever has room.
function hatchWords(item, low, high, range, scale) {
  if (high < low) { return []; }
  const room = textWidth(item.mark.l, 400) + 12;
  const words = { xref: "x", yref: "y", y: item.spot.center, yanchor: "middle", showarrow: false, text: plain(item.mark.l),
    bgcolor: colour("paper"), borderpad: 1, font: { size: 11, color: colour("ink") } };
  if ((high - low) * scale > room) { return [Object.assign(words, { x: (low + high) / 2, xanchor: "center" })]; }
  if (!item.mark.ob && (range[1] - high) * scale > room) { return [Object.assign(words, { x: high, xshift: 4, xanchor: "left" })]; }
  if (!item.mark.oa && (low - range[0]) * scale > room) { return [Object.assign(words, { x: low, xshift: -4, xanchor: "right" })]; }
  return [];
}

const STONES_FIRST = ["fatal", "panic", "serving_securely", "k3s_running", "api_running", "datastore_ready", "starting", "apiserver_requested"];

function stoneNames(figure, range, inner) {
  const spot = figure.placed.find((s) => s.row.kind === "milestones");
  if (!spot) { return []; }
  const rank = (dot) => { const i = STONES_FIRST.indexOf(dot.l.replace(/ /g, "_")); return i < 0 ? 99 : i; };
  const scale = inner / (range[1] - range[0]);
  const taken = [[], []];
  const names = [];
  spot.row.dots.filter((dot) => dot.t >= range[0] && dot.t <= range[1]).sort((a, b) => rank(a) - rank(b) || a.t - b.t).forEach((dot) => {
    const at = (dot.t - range[0]) * scale;
    const length = textWidth(dot.l, 400) + 4;
    for (const right of [true, false]) {
      const from = right ? at - 5 : at - length + 5;
      if (from < -4 || from + length > inner + 12) { continue; }
      const lane = [0, 1].find((n) => taken[n].every(([a, b]) => from > b + 4 || from + length < a - 4));
      if (lane === undefined) { continue; }
      taken[lane].push([from, from + length]);
      names.push({ xref: "x", yref: "y", x: dot.t, y: spot.center + (lane ? 0.62 : -0.62), xanchor: right ? "left" : "right", xshift: right ? -5 : 5,
        yanchor: "middle", showarrow: false, text: plain(dot.l), font: { size: 11, color: colour("milestone") } });
      return;
    }
  });
  return names;
}

// Times differ so much that one start would flatten the others: then the axis is logarithmic.
function isWide(items) {
  const ends = items.map((i) => i.until).filter((t) => t > 0).sort((a, b) => a - b);
  return ends.length > 2 && ends[ends.length - 1] > 8 * ends[Math.floor(ends.length / 2)];
}

const LOG_TICKS = [0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 60, 120, 300, 600, 1800, 3600, 10800, 43200, 86400, 604800];

function overviewFigure(items, width, current) {
  const known = items.filter((i) => i.lower !== null || i.upper !== null);
  const wide = isWide(known);
  const top = Math.max(...known.map((i) => i.until), 1);
  const bottom = wide ? Math.max(0.05, Math.min(...known.map((i) => i.until).filter((t) => t > 0)) / 2) : 0;
  const low = (i) => Math.max(bottom, i.lower || 0);
  const high = (i) => Math.max(bottom, i.until);
  const layout = baseLayout(width, 220);
  const data = [];
  layout.dragmode = false;
  layout.showlegend = true;
  layout.legend = { orientation: "h", x: 0, y: 1.02, yanchor: "bottom", font: { size: 12 }, itemclick: false, itemdoubleclick: false };
  layout.margin = { l: 64, r: 12, t: 30, b: 40 };
  const first = items[0].index;
  const final = items[items.length - 1].index;
  layout.xaxis = Object.assign(axisLook(), { range: [first - 0.7, final + 0.7], fixedrange: true, tickformat: "d", showgrid: false,
    dtick: final - first < Math.max(4, width / 40) ? 1 : undefined, title: { text: "start, by its number in the log", standoff: 4, font: { size: 12 } } });
  layout.yaxis = Object.assign(axisLook(), { fixedrange: true }, wide
    ? { type: "log", range: [Math.log10(bottom), Math.log10(top * 1.4)], ...logTicks(bottom, top * 1.4) }
    : { range: [0, top * 1.15], ticksuffix: " s", nticks: 5 });
  layout.shapes = [{ type: "rect", xref: "x", yref: "paper", x0: current - 0.5, x1: current + 0.5, y0: 0, y1: 1, layer: "below", fillcolor: colour("link"), opacity: 0.14, line: { width: 0 } }];
  DATA.quantiles.forEach((q) => layout.shapes.push({ type: "rect", xref: "paper", yref: "y", x0: 0, x1: 1, y0: Math.max(bottom, q.lower), y1: Math.max(bottom, q.upper), layer: "below",
    fillcolor: colour("hue-6"), opacity: 0.45, line: { color: colour("hue-6"), width: 1 } }));
  layout.annotations = DATA.quantiles.map((q, i) => ({ xref: "paper", x: i, xanchor: i ? "right" : "left", yref: "y", yanchor: "bottom", showarrow: false,
    y: wide ? Math.log10(Math.max(bottom, q.upper)) : q.upper, text: q.name, bgcolor: colour("paper"), opacity: 0.85, borderpad: 1, font: { size: 11, color: colour("ink") } }));
  data.push({ type: "bar", name: "window", showlegend: false, hoverinfo: "none", x: known.map((i) => i.index), base: known.map(low),
    y: known.map((i) => Math.max(high(i) - low(i), 0)), width: 0.6, marker: barMarker("pale"), customdata: known.map((i) => i.index) });
  Object.entries(DATA.outcomes).forEach(([outcome, [symbol, shade]]) => {
    const name = outcome + (outcome === "failed" || outcome === "stopped" ? ", certainly not ready up to here" : "");
    const group = known.filter((i) => i.outcome === outcome);
    if (!group.length) { return; }
    data.push({ type: "scatter", mode: "markers", name, hoverinfo: "none", x: group.map((i) => i.index), y: group.map((i) => Math.max(bottom, i.upper === null ? i.lower : i.upper)),
      marker: { symbol, color: colour(shade), size: known.length > 40 ? 6 : 9 }, customdata: group.map((i) => i.index) });
  });
  return { data, layout, wide };
}

function logTicks(bottom, top) {
  const values = LOG_TICKS.filter((t) => t >= bottom && t <= top);
  return { tickmode: "array", tickvals: values, ticktext: values.map((t) => elapsed(t, t < 1 ? 1 : 0)) };
}
