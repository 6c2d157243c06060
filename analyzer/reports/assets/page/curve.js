// The curve as a band, as `curve.py` draws it, at the width of the screen and of any starts; read at one moment.
const STEPS = [0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 20, 30, 60, 120, 300, 600, 1200, 1800, 3600, 7200, 18000, 36000, 86400, 172800, 604800];
const SHARES = [0, 0.25, 0.5, 0.75, 0.9, 1];
const MARGIN = { left: 46, right: 14, top: 10, bottom: 44 };
const SPREAD = 6;
const LOOKS = 6;
let picture = null;
let reading = null;

// The ends of windows, lower and upper ones each ascending.
function endsFrom(least, most) {
  const ends = { n: least.length, least: Float64Array.from(least).sort(), most: Float64Array.from(most).sort() };
  ends.never = ends.n - upTo(ends.most, Number.MAX_VALUE);
  return ends;
}

// How many of the ascending `values` are at most `limit`.
function upTo(values, limit) {
  let low = 0;
  let high = values.length;
  while (low < high) { const middle = (low + high) >> 1; if (values[middle] <= limit) { low = middle + 1; } else { high = middle; } }
  return low;
}

function quantile(ends, level) {
  const at = Math.max(0, Math.ceil(ends.n * level - 1e-9) - 1);
  return [ends.least[at], ends.most[at]];
}

function rangeOf(ends) {
  const first = (values) => values[upTo(values, 0)];
  const last = (values) => { const n = upTo(values, Number.MAX_VALUE); return n ? values[n - 1] : 0; };
  const lows = [first(ends.least), first(ends.most)].filter((v) => Number.isFinite(v));
  return lows.length ? [Math.min(...lows), Math.max(last(ends.least), last(ends.most))] : [0, 0];
}

function spreadOut(ends) {
  const [low, high] = rangeOf(ends);
  return ends.n > 0 && low > 0 && high > SPREAD * Math.max(quantile(ends, 0.5)[0], low);
}

function axisOf(ends, log, width) {
  let [low, high] = rangeOf(ends);
  if (high <= 0) { low = 0.5; high = 1; }
  const left = MARGIN.left;
  const right = width - MARGIN.right;
  if (!log) { high *= 1.04; return { low: 0, high, log, left, right, x: (s) => left + (Math.min(s, high) / high) * (right - left), seconds: (x) => ((x - left) / (right - left)) * high }; }
  low = Math.min(low, high / 2) * 0.9;
  high *= 1.1;
  const size = Math.log(high / low);
  return { low, high, log, left, right, x: (s) => left + (Math.log(Math.min(Math.max(s, low), high) / low) / size) * (right - left),
    seconds: (x) => low * (high / low) ** ((x - left) / (right - left)) };
}

function ticksOf(axis) {
  const room = 58;
  if (!axis.log) {
    const step = STEPS.find((s) => ((axis.right - axis.left) * s) / axis.high >= room) || axis.high / 2;
    return Array.from({ length: Math.floor(axis.high / step + 1e-9) + 1 }, (_, n) => n * step);
  }
  const kept = [];
  STEPS.filter((at) => at >= axis.low && at <= axis.high).forEach((at) => { if (!kept.length || axis.x(at) - axis.x(kept[kept.length - 1]) >= room) { kept.push(at); } });
  return kept.length ? kept : [axis.low, axis.high];
}

function secondsText(seconds) {
  const units = [["d", 86400, 172800], ["h", 3600, 7200], ["min", 60, 120]];
  const [unit, length] = units.find(([, , least]) => seconds >= least) || ["s", 1];
  return Number((seconds / length).toPrecision(3)) + " " + unit;
}

function steps(xs, ys) {
  const corners = [];
  ys.forEach((y, n) => {
    const before = corners.length ? corners[corners.length - 1][1] : y;
    if (!corners.length || y !== before) { if (corners.length) { corners.push([xs[n].toFixed(1), before]); } corners.push([xs[n].toFixed(1), y]); }
  });
  corners.push([xs[xs.length - 1].toFixed(1), corners[corners.length - 1][1]]);
  return corners;
}

function pathOf(corners) { return corners.map((corner) => corner.join(" ")).join("L"); }

function bandOf(one, axis, y) {
  const columns = Math.max(1, Math.round((axis.right - axis.left) / 2));
  const xs = Array.from({ length: columns + 1 }, (_, n) => axis.left + (n * (axis.right - axis.left)) / columns);
  const moments = xs.map(axis.seconds);
  const above = steps(xs, moments.slice(1).map((t) => y(upTo(one.ends.least, t) / one.ends.n).toFixed(1)));
  const below = steps(xs, moments.slice(0, -1).map((t) => y(upTo(one.ends.most, t) / one.ends.n).toFixed(1)));
  const group = shape("g", { class: "band " + one.look });
  group.append(shape("title", {}, one.name), shape("path", { class: "area", d: "M" + pathOf(above) + "L" + pathOf(below.slice().reverse()) + "Z" }),
    shape("path", { class: "edge", d: "M" + pathOf(above) }), shape("path", { class: "edge", d: "M" + pathOf(below) }));
  return group;
}

// `bands`: {look, name, ends}. `whole`: all that the axis must hold, where that is not the first of them; then each band
// has what it lacks marked in its own look.
function curveOf(bands, log, width, metric, whole) {
  const height = width < 560 ? 300 : 360;
  const axis = axisOf(whole || bands[0].ends, log, width);
  const bottom = height - MARGIN.bottom;
  const y = (part) => MARGIN.top + (1 - part) * (bottom - MARGIN.top);
  const made = shape("svg", { class: "curve", viewBox: "0 0 " + width + " " + height, role: "img", "aria-label": metric.heading + ": " + metric.about });
  const grid = shape("g", { class: "grid" });
  const texts = shape("g", { class: "ticks" });
  SHARES.forEach((part) => {
    grid.append(shape("path", { d: "M" + axis.left + " " + y(part).toFixed(1) + "H" + axis.right }));
    texts.append(shape("text", { x: axis.left - 6, y: y(part).toFixed(1), dy: 4, "text-anchor": "end" }, Math.round(part * 100) + " %"));
  });
  ticksOf(axis).forEach((at) => {
    grid.append(shape("path", { d: "M" + axis.x(at).toFixed(1) + " " + MARGIN.top + "V" + bottom }));
    texts.append(shape("text", { x: axis.x(at).toFixed(1), y: bottom + 16, "text-anchor": "middle" }, secondsText(at)));
  });
  texts.append(shape("text", { x: (axis.left + axis.right) / 2, y: bottom + 36, "text-anchor": "middle" }, metric.axis));
  made.append(grid, texts);
  bands.filter((one) => one.ends.n).forEach((one) => made.append(bandOf(one, axis, y)));
  const marked = whole ? bands : bands.filter((one) => one.look === "whole").map((one) => ({ look: "", ends: one.ends }));
  missingOf(marked, axis, y, width).forEach((one) => made.append(one));
  const cross = shape("path", { class: "cross", d: "" });
  made.append(cross);
  return { svg: made, axis, bands, cross, bottom };
}

// A bracket for each band that lacks something, side by side; its words inside where there is room, apart from others.
function missingOf(marked, axis, y, width) {
  const open = marked.filter((one) => one.ends.never).sort((a, b) => a.ends.never / a.ends.n - b.ends.never / b.ends.n);
  const wordsRight = axis.right - 8 * (open.length - 1) - 9;
  let wordsAt = -Infinity;
  return open.map((one, place) => {
    const group = shape("g", { class: ("never " + one.look).trim() });
    const right = axis.right - 8 * place;
    const end = y(1 - one.ends.never / one.ends.n);
    wordsAt = Math.max(end - y(1) >= 26 * (1 + place) ? end - 6 : end + 17, wordsAt + 15);
    group.append(shape("path", { d: "M" + (right - 5) + " " + y(1).toFixed(1) + "h5V" + end.toFixed(1) + "h-5" }),
      shape("text", { x: wordsRight, y: wordsAt.toFixed(1), "text-anchor": "end" }, share(one.ends.never, one.ends.n) + (width < 560 ? " no end" : " with no known end")));
    return group;
  });
}

// What the bands say of one moment.
function readingOf(picture, seconds) {
  const parts = picture.bands.filter((one) => one.ends.n).map((one) => {
    const low = (100 * upTo(one.ends.most, seconds)) / one.ends.n;
    const high = (100 * upTo(one.ends.least, seconds)) / one.ends.n;
    const words = down(low, 1) === up(high, 1) ? down(low, 1) : down(low, 1) + "–" + up(high, 1);
    return one.name + " " + words + " %";
  });
  const shown = seconds >= 120 ? (seconds / 60).toFixed(1) + " min" : seconds.toFixed(seconds < 10 ? 2 : 1) + " s";
  return "By " + shown + ": " + parts.join(" · ");
}

// --- reading the curve at one moment

function read(x) {
  reading = x;
  const box = document.getElementById("reading");
  if (!picture) { return; }
  if (x === null) { picture.cross.setAttribute("d", ""); box.textContent = ""; return; }
  reading = Math.min(Math.max(x, picture.axis.left), picture.axis.right);
  picture.cross.setAttribute("d", "M" + reading.toFixed(1) + " " + MARGIN.top + "V" + picture.bottom);
  box.textContent = readingOf(picture, picture.axis.seconds(reading));
}

function listenToCurve(about) {
  const box = document.getElementById("curve");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-roledescription", "chart");
  box.setAttribute("aria-label", "Curve. Arrow keys read it at a moment, Escape ends that. " + about);
  box.addEventListener("pointermove", (event) => {
    const frame = box.getBoundingClientRect();
    read(((event.clientX - frame.left) / frame.width) * Math.max(280, box.clientWidth));
  });
  box.addEventListener("pointerleave", () => { if (document.activeElement !== box) { read(null); } });
  box.addEventListener("blur", () => read(null));
  box.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === "Escape") { read(null); return; }
    if (!(event.key in steps) || !picture) { return; }
    const middle = (picture.axis.left + picture.axis.right) / 2;
    read(reading === null ? middle : reading + steps[event.key] * (event.shiftKey ? 1 : 10));
    event.preventDefault();
  });
}
