// The page of a comparison: the curves of any metric of both sides, read at one moment; commands that can be copied.
const DATA = JSON.parse(document.getElementById("k3slog-data").textContent);
const SIDES = ["c0", "c1"];
const curves = new Map(DATA.curves.map((one) => [one.id, one]));
const seconds = (values) => values.map((end) => (end < 0 ? Infinity : end / 1000));
let chosen = DATA.curves.length ? DATA.curves[0].id : null;
let asked = null; // whether the axis is to be logarithmic; null: as it suits

function drawCurves() {
  const box = document.getElementById("curve");
  if (!box) { return; }
  const metric = curves.get(chosen);
  const bands = metric.sides.map((side, i) => ({ look: SIDES[i], name: DATA.names[i], ends: endsFrom(seconds(side.least), seconds(side.most)) }));
  const whole = endsFrom(...["least", "most"].map((end) => seconds(metric.sides[0][end].concat(metric.sides[1][end]))));
  const log = asked === null ? spreadOut(whole) : asked;
  document.getElementById("log").checked = log;
  document.getElementById("metric").value = chosen;
  document.getElementById("curve-title").textContent = metric.heading;
  picture = curveOf(bands, log, Math.max(280, box.clientWidth), { heading: metric.heading, axis: metric.axis,
    about: "share of starts of each side against time, as a band. The table of differences holds the numbers." }, whole);
  box.replaceChildren(picture.svg);
  read(null);
}

function choose(id) { chosen = id; asked = null; drawCurves(); }

// Names in the table draw the curves of their metric.
function nameCurves() {
  document.querySelectorAll("th[data-metric]").forEach((head) => {
    if (!curves.has(head.dataset.metric)) { return; }
    const button = element("button", "draw");
    button.type = "button";
    button.dataset.draw = head.dataset.metric;
    button.title = "Draw its curves";
    button.append(...head.childNodes);
    head.append(button);
  });
}

function offerCopies() {
  document.querySelectorAll("p.command").forEach((line) => {
    const button = element("button", "copy", "Copy");
    button.type = "button";
    button.dataset.copy = line.querySelector("code").textContent;
    button.setAttribute("aria-label", "Copy the command " + button.dataset.copy);
    line.append(" ", button);
  });
}

document.addEventListener("click", (event) => {
  const button = event.target.closest("button");
  if (!button) { return; }
  if (button.id === "theme") { nextTheme();
  } else if (button.dataset.copy) { copyText(button.dataset.copy);
  } else if (button.dataset.draw) { choose(button.dataset.draw); document.getElementById("curves").scrollIntoView(); }
});
document.addEventListener("change", (event) => {
  if (event.target.id === "metric") { choose(event.target.value);
  } else if (event.target.id === "log") { asked = event.target.checked; drawCurves(); }
});
let resizeTimer = 0;
window.addEventListener("resize", () => { clearTimeout(resizeTimer); resizeTimer = setTimeout(drawCurves, 120); });

if (document.getElementById("curve")) {
  DATA.curves.forEach((one) => document.getElementById("metric").append(new Option(one.heading, one.id)));
  document.getElementById("curve-tools").hidden = false;
  nameCurves();
  listenToCurve("The table of differences holds the numbers.");
  drawCurves();
}
offerCopies();
document.documentElement.dataset.drawn = "yes";
