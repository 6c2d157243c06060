// The page of a history: the points of the trend are read by pointing, by touch and by arrow keys.
let at = null;

function points() {
  const shown = Array.from(document.querySelectorAll("#trend svg")).find((one) => getComputedStyle(one).display !== "none");
  return shown ? Array.from(shown.querySelectorAll(".point")) : [];
}

function show(place) {
  const all = points();
  document.querySelectorAll("#trend .point.at").forEach((one) => one.classList.remove("at"));
  at = place === null || !all.length ? null : Math.min(Math.max(place, 0), all.length - 1);
  document.getElementById("reading").textContent = at === null ? "" : all[at].querySelector("title").textContent;
  if (at !== null) { all[at].classList.add("at"); }
}

function listen() {
  const box = document.getElementById("trend");
  box.tabIndex = 0;
  box.setAttribute("role", "group");
  box.setAttribute("aria-roledescription", "chart");
  box.setAttribute("aria-label", "Trend. Arrow keys read its points, Escape ends that. The table of groups holds the same data.");
  const pointed = (event) => { const one = event.target.closest(".point"); show(one ? points().indexOf(one) : null); };
  box.addEventListener("pointermove", pointed);
  box.addEventListener("click", pointed);
  box.addEventListener("pointerleave", () => { if (document.activeElement !== box) { show(null); } });
  box.addEventListener("blur", () => show(null));
  box.addEventListener("keydown", (event) => {
    const steps = { ArrowLeft: -1, ArrowRight: 1 };
    if (event.key === "Escape") { show(null); return; }
    if (!(event.key in steps)) { return; }
    show(at === null ? points().length - 1 : at + steps[event.key]);
    event.preventDefault();
  });
}

document.addEventListener("click", (event) => { if (event.target.closest("#theme")) { nextTheme(); } });
if (document.getElementById("trend")) { listen(); }
document.documentElement.dataset.drawn = "yes";
