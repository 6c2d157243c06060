// The plot of a simulation in the colours of the page. The figure comes whole; only its look is set here.
const FIGURE = JSON.parse(document.getElementById("k3slog-figure").textContent);
const box = document.getElementById("pareto");

// `value` with every colour of the light palette in the colour that its name has now
function painted(value) {
  if (typeof value === "string") { return FIGURE.names[value] ? colour(FIGURE.names[value]) : value; }
  if (Array.isArray(value)) { return value.map(painted); }
  if (value === null || typeof value !== "object") { return value; }
  return Object.fromEntries(Object.entries(value).map(([key, inner]) => [key, painted(inner)]));
}

// Whiskers stand above and below a mark, so its name stands beside it; the margin has room for the last one.
function named(traces) {
  traces.filter((trace) => trace.text).forEach((trace) => {
    trace.textposition = "middle right";
    trace.text = trace.text.map((name) => "\u2002" + name);
  });
}

function lineName(traces) {
  const line = traces.find((trace) => trace.mode === "lines");
  if (!line || !line.x.length) { return []; }
  const at = Math.floor(line.x.length * 0.6);
  return [{ x: Math.log10(line.x[at]), y: Math.log10(line.y[at]), xanchor: "left", yanchor: "bottom", xshift: 4, showarrow: false,
    text: line.name, font: { size: 11, color: colour("muted") } }];
}

function draw() {
  const { data, layout } = painted({ data: FIGURE.data, layout: FIGURE.layout });
  named(data);
  const narrow = box.clientWidth < 500;
  const axis = { gridcolor: colour("grid"), linecolor: colour("line"), tickcolor: colour("line"), zeroline: false, showline: true };
  Object.assign(layout, { width: box.clientWidth, height: narrow ? 380 : 440, paper_bgcolor: colour("paper"), plot_bgcolor: colour("paper"),
    dragmode: false, margin: { l: 56, r: 76, t: 12, b: 48 }, annotations: lineName(data), hoverlabel: { font: { family: FONT, size: 12 } },
    font: { family: FONT, size: 12, color: colour("ink") } });
  [layout.xaxis, layout.yaxis].forEach((one) => { Object.assign(one, axis, { fixedrange: true }); one.title.font = { size: 12 }; one.title.standoff = 8; });
  Plotly.react(box, data, layout, { displayModeBar: false, displaylogo: false, responsive: false });
}

let resizeTimer = 0;
window.addEventListener("resize", () => { clearTimeout(resizeTimer); resizeTimer = setTimeout(draw, 120); });
window.matchMedia("(prefers-color-scheme: dark)").addEventListener("change", draw);
document.getElementById("theme").addEventListener("click", () => { nextTheme(); draw(); });
let beforePrint = "";
window.addEventListener("beforeprint", () => { beforePrint = document.documentElement.dataset.theme || ""; setTheme("light"); draw(); });
window.addEventListener("afterprint", () => { setTheme(beforePrint); draw(); });

draw();
document.documentElement.dataset.drawn = "yes";
