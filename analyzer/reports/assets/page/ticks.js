// The shared time axis: ticks at round seconds, each with the time since the start began and the clock of the log.
const STEPS = [0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800,
  3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800, 2592000];

function pad(value) { return String(value).padStart(2, "0"); }

function digitsOf(step) { return step >= 1 ? 0 : step >= 0.1 ? 1 : step >= 0.01 ? 2 : 3; }

function elapsed(seconds, digits) {
  const sign = seconds < 0 ? "−" : "";
  const value = Math.abs(seconds);
  if (value < 120) { return sign + value.toFixed(digits) + " s"; }
  const whole = Math.floor(value);
  const days = Math.floor(whole / 86400);
  const hours = Math.floor(whole / 3600) % 24;
  const minutes = Math.floor(whole / 60) % 60;
  const rest = digits ? (value % 60).toFixed(digits).padStart(3 + digits, "0") : pad(whole % 60);
  const long = hours || days ? hours + ":" + pad(minutes) + ":" + rest : minutes + ":" + rest;
  return sign + (days ? days + " d " : "") + long;
}

// `wall` counts as the log's own clock shows it, so the UTC getters give that clock whatever zone the browser is in.
function clock(wall, seconds, digits) {
  if (wall === null) { return ""; }
  const moment = new Date(Math.round((wall + seconds) * 1000));
  if (isNaN(moment.getTime())) { return ""; }
  const base = pad(moment.getUTCHours()) + ":" + pad(moment.getUTCMinutes()) + ":" + pad(moment.getUTCSeconds());
  return digits ? base + "." + String(moment.getUTCMilliseconds()).padStart(3, "0").slice(0, digits) : base;
}

function axisTicks(range, width, wall) {
  const span = Math.max(range[1] - range[0], 0.001);
  const room = (s) => Math.max(2, Math.floor(width / (s >= 1 ? 68 : 92))); // labels with fractions are wider
  const step = STEPS.find((s) => span / s <= room(s)) || span / 2;
  const digits = digitsOf(step);
  const values = [];
  const texts = [];
  // a little beyond both edges, so that dragging does not uncover a bare axis
  for (let i = Math.ceil((range[0] - span) / step); i * step <= range[1] + span && values.length < 400; i += 1) {
    const at = Number((i * step).toFixed(3));
    const below = clock(wall, at, digits);
    values.push(at);
    texts.push(elapsed(at, digits) + (below ? "<br>" + below : ""));
  }
  return { values, texts };
}

function exact(seconds) { return elapsed(seconds, 3); }
