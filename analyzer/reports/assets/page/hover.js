// The tip beside a mark and the copying of its lines. Text from the log enters the document as text, never as markup.
const tip = document.getElementById("tip");
const toast = document.getElementById("toast");
let toastTimer = 0;

function lineName(ref) {
  const [source, line] = ref.split(":");
  return { source: DATA.sources[Number(source)] || "source " + (Number(source) + 1), line };
}

function element(tag, className, text) {
  const made = document.createElement(tag);
  if (className) { made.className = className; }
  made.textContent = text;
  return made;
}

const TIP_LENGTH = 330;

// A long line around what it says of `name`: first where it fails, else where it is named, else from its beginning.
function excerpt(text, name) {
  if (text.length <= TIP_LENGTH) { return text; }
  let at = name ? text.indexOf("[-]" + name) : -1;
  if (at < 0 && name) { at = text.indexOf(name); }
  const from = Math.max(0, at < 0 ? 0 : Math.min(at - 80, text.length - TIP_LENGTH));
  const to = Math.min(text.length, from + TIP_LENGTH);
  return (from ? "… " : "") + text.slice(from, to) + (to < text.length ? " …" : "");
}

function fillTip(head, when, note, refs, name) {
  tip.textContent = "";
  if (head) { tip.append(element("p", "head", head)); }
  if (when) { tip.append(element("p", "when", when)); }
  if (note) { tip.append(element("p", "", note)); }
  refs.slice(0, 3).forEach((ref) => {
    const { source, line } = lineName(ref);
    tip.append(element("p", "when", "line " + line + " of " + source));
    if (DATA.evidence[ref] !== undefined) { tip.append(element("code", "", excerpt(DATA.evidence[ref], name))); }
  });
  if (!refs.length && note) { tip.append(element("p", "when", "no line of its own")); }
}

function showTip(x, y) {
  tip.hidden = false;
  const box = tip.getBoundingClientRect();
  const left = Math.min(Math.max(8, x + 14), window.innerWidth - box.width - 8);
  const below = y + 18;
  const top = below + box.height > window.innerHeight - 8 ? Math.max(8, y - box.height - 14) : below;
  tip.style.left = Math.max(8, left) + "px";
  tip.style.top = top + "px";
}

function hideTip() { tip.hidden = true; }

function whenOf(start, from, to) {
  const wall = (at) => { const text = clock(start.wall, at, 3); return text ? " (" + text + ")" : ""; };
  return from === to ? exact(from) + wall(from) : exact(from) + wall(from) + " to " + exact(to) + wall(to);
}

function tipForMark(start, item) {
  fillTip(item.spot.row.full, whenOf(start, item.from, item.to), item.mark.n, item.mark.e || [], item.spot.row.kind === "check" ? item.spot.row.full : "");
}

function say(text) {
  toast.textContent = text;
  toast.hidden = false;
  clearTimeout(toastTimer);
  toastTimer = setTimeout(() => { toast.hidden = true; }, 2500);
}

function copyRefs(refs, note) {
  const text = refs.length
    ? refs.map((ref) => { const { source, line } = lineName(ref); return source + ":" + line + ": " + (DATA.evidence[ref] || ""); }).join("\n")
    : note;
  copyText(text, refs.length ? (refs.length > 1 ? "lines " : "line ") + refs.map((ref) => lineName(ref).line).join(", ") : "the description");
}

function copyText(text, named) {
  const done = () => say("Copied " + named);
  const byHand = () => {
    const area = document.createElement("textarea");
    area.value = text;
    area.setAttribute("readonly", "");
    area.style.position = "fixed";
    area.style.opacity = "0";
    document.body.append(area);
    const before = document.activeElement;
    area.select();
    let worked = false;
    try { worked = document.execCommand("copy"); } catch (error) { worked = false; }
    area.remove();
    if (before && before.focus) { before.focus({ preventScroll: true }); }
    if (worked) { done(); } else { say("This browser does not let the page copy; select the text in the tables"); }
  };
  if (navigator.clipboard && window.isSecureContext) { navigator.clipboard.writeText(text).then(done, byHand); } else { byHand(); }
}

function tipForButton(button) {
  const ref = button.dataset.ref;
  fillTip("", "", "", [ref]);
  const box = button.getBoundingClientRect();
  showTip(box.left, box.bottom - 8);
}
