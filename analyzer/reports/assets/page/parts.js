// What the pages of many starts have in common: how numbers are said, as `wording.py` says them, and elements.
const SVG = "http://www.w3.org/2000/svg";

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

function copyText(words) {
  const done = () => say("Copied the command");
  const failed = () => say("The browser does not let this page copy");
  if (navigator.clipboard) { navigator.clipboard.writeText(words).then(done, failed); } else { failed(); }
}

// On paper: the light colours, and everything unfolded.
let beforePrint = "";
window.addEventListener("beforeprint", () => {
  beforePrint = document.documentElement.dataset.theme || "";
  setTheme("light");
  document.querySelectorAll("details:not(.start)").forEach((box) => { box.open = true; });
});
window.addEventListener("afterprint", () => { setTheme(beforePrint); });
