// The table of starts, a page at a time, and all that is known of one start on request.
const ROWS = window.matchMedia("(max-width: 640px)").matches ? 25 : DATA.first_rows;
let kept = EVERY;
const opened = new Set();

function sorted(starts) {
  const name = view.sort.replace(/^-/, "");
  if (!name) { return starts; }
  const metric = metricById.get(view.metric);
  const key = {
    host: (start) => labelOf("host", start), outcome: (start) => labelOf("outcome", start), version: (start) => labelOf("version", start),
    why: whyText, where: whereText, began: (start) => DATA.began[start],
    took: (start) => { const found = metric ? bounds(metric, start) : null; return found ? found[0] + (Number.isFinite(found[1]) ? 0 : 1e12) : null; },
  }[name];
  const keys = new Map(starts.map((start) => [start, key(start)]));
  const back = view.sort.startsWith("-") ? -1 : 1;
  const empty = (value) => value === null || value === "";
  return starts.slice().sort((a, b) => {
    const [one, other] = [keys.get(a), keys.get(b)];
    if (empty(one) || empty(other)) { return Number(empty(one)) - Number(empty(other)) || a - b; } // last in both directions
    return back * (typeof one === "number" ? one - other : COLLATOR.compare(one, other)) || a - b;
  });
}

function rowOf(start) {
  const row = element("tr");
  row.dataset.start = start;
  const head = element("th", "host");
  head.scope = "row";
  const open = element("button", "open", valueOf("host", start));
  open.type = "button";
  open.dataset.open = start;
  open.setAttribute("aria-expanded", String(opened.has(start)));
  head.append(open);
  row.append(head);
  const outcome = labelOf("outcome", start);
  const badge = element("span", "badge " + (signs.has(outcome) ? outcome : ""));
  const sign = element("span", "", signs.get(outcome) || "");
  sign.setAttribute("aria-hidden", "true");
  badge.append(sign, " " + outcome);
  cell(row, "", "Outcome").append(badge);
  cell(row, "num", "Took, s", tookText(metricById.get(view.metric), start));
  cell(row, "nowrap", "Began (UTC)", beganText(start));
  cell(row, "version", "Version", labelOf("version", start));
  cell(row, "reason", "Why", whyText(start));
  if (USERS.length) {
    const box = cell(row, "labels", "Labels");
    labelTexts(start).forEach((words, i) => { if (i) { box.append(" "); } box.append(element("span", "label", words)); });
  }
  broken(whereText(start), cell(row, "where", "Input"));
  return row;
}

function factsOf(start) {
  const known = [["Unit", text(DATA.unit[start])], ["Program", [labelOf("product", start), labelOf("role", start), labelOf("version", start)].filter(Boolean).join(" ")],
    ["End of the process", text(DATA.end[start])], ["Line behind it", DATA.line[start] === null ? "" : String(DATA.line[start])], ["Cause", text(DATA.cause[start])]];
  DATA.metrics.forEach((metric) => { if (bounds(metric, start)) { known.push([metric.heading, tookText(metric, start) + " s"]); } });
  return known.filter(([, words]) => words);
}

function detailOf(start) {
  const row = element("tr", "detail");
  const box = element("td");
  box.colSpan = document.querySelector("#starts thead tr").cells.length;
  const facts = element("dl", "facts");
  factsOf(start).forEach(([name, words]) => { const one = element("div"); one.append(element("dt", "", name), element("dd", "", words)); facts.append(one); });
  box.append(facts);
  if (DATA.findings[start].length) {
    const list = element("ul", "findings");
    DATA.findings[start].forEach((kind) => {
      const [, level, title] = DATA.kinds[kind];
      const item = element("li", level);
      item.append(element("span", "level", (levels.get(level) || "") + " "), title);
      list.append(item);
    });
    box.append(list);
  }
  const input = labelOf("input", start);
  if (/^[\w.\/@%+=,-]+$/.test(input) && !/^-|\.json$/.test(input)) { // nothing that a shell would read as more than a name
    const command = "k3slog analyze " + input + " --start " + DATA.index[start];
    const line = element("p");
    const copy = element("button", "copy", "Copy");
    copy.type = "button";
    copy.dataset.copy = command;
    copy.setAttribute("aria-label", "Copy the command " + command);
    line.append("In detail: ", element("code", "", command), " ", copy);
    box.append(line);
  }
  row.append(box);
  return row;
}

function pages() { return Math.max(1, Math.ceil(kept.length / ROWS)); }

function page() { return Math.min(Math.ceil(Math.max(1, view.row) / ROWS), pages()); }

function drawRows() {
  const from = (page() - 1) * ROWS;
  const shown = kept.slice(from, from + ROWS);
  const body = document.querySelector("#starts tbody");
  body.textContent = "";
  shown.forEach((start) => { body.append(rowOf(start)); if (opened.has(start)) { body.append(detailOf(start)); } });
  if (!shown.length) { const row = element("tr"); const box = element("td", "", "No start matches the filters."); box.colSpan = 8; row.append(box); body.append(row); }
  document.querySelectorAll("#starts thead th").forEach((head) => {
    const button = head.querySelector("button");
    head.removeAttribute("aria-sort");
    if (button && view.sort.replace(/^-/, "") === button.dataset.key) { head.setAttribute("aria-sort", view.sort.startsWith("-") ? "descending" : "ascending"); }
  });
  const all = kept.length === COUNT ? count(COUNT) : count(kept.length) + " of " + count(COUNT) + " match";
  const rows = pages() > 1 ? "; rows " + count(from + 1) + "–" + count(from + shown.length) + " are shown" : "";
  document.getElementById("matches").textContent = all + rows + (view.sort ? "" : ", those first that need someone");
  drawPager();
}

function drawPager() {
  const box = document.getElementById("pager");
  box.hidden = pages() === 1;
  if (!box.children.length) {
    [["first", "First"], ["back", "◀ Back"], ["", ""], ["on", "On ▶"], ["last", "Last"]].forEach(([to, words]) => {
      if (!to) { box.append(element("span", "note")); return; }
      const button = element("button", "", words);
      button.type = "button";
      button.dataset.page = to;
      button.setAttribute("aria-label", { first: "First page", back: "Page before", on: "Next page", last: "Last page" }[to]);
      box.append(button);
    });
  }
  box.querySelector("span").textContent = "Page " + count(page()) + " of " + count(pages());
  box.querySelectorAll("button").forEach((button) => { button.disabled = ["first", "back"].includes(button.dataset.page) ? page() === 1 : page() === pages(); });
}

function toPage(name) {
  view.row = ({ first: 1, back: page() - 1, on: page() + 1, last: pages() }[name] - 1) * ROWS + 1;
  writeHash();
  drawRows();
  const card = document.getElementById("starts-card");
  if (card.getBoundingClientRect().top < 0) { card.scrollIntoView(); }
}

function toggleStart(button) {
  const start = Number(button.dataset.open);
  const row = button.closest("tr");
  if (opened.has(start)) { opened.delete(start); row.nextElementSibling.remove(); } else { opened.add(start); row.after(detailOf(start)); }
  button.setAttribute("aria-expanded", String(opened.has(start)));
}
