// Colours and the font of the page for its figures, and the choice between light and dark.
const FONT = "system-ui, -apple-system, Segoe UI, Roboto, Liberation Sans, sans-serif";
const THEMES = ["", "light", "dark"];

function colour(name) { return getComputedStyle(document.documentElement).getPropertyValue("--" + name).trim(); }

function setTheme(name) {
  if (name) { document.documentElement.dataset.theme = name; } else { delete document.documentElement.dataset.theme; }
  document.getElementById("theme").textContent = "Theme: " + (name || "as the system");
}

function nextTheme() { setTheme(THEMES[(THEMES.indexOf(document.documentElement.dataset.theme || "") + 1) % THEMES.length]); }
