// Runs before the first paint, so that a chosen theme, or a picture that is to be blurred, never flashes. Without it the
// system's theme is used.
(() => {
  const root = document.documentElement;
  root.dataset.js = "";
  let chosen = null;
  try {
    chosen = localStorage.getItem("theme");
    if (sessionStorage.getItem("blurred")) root.dataset.blurred = "";
  } catch {
    // a browser that keeps nothing still follows its system
  }
  if (chosen === "light" || chosen === "dark") root.dataset.theme = chosen;
})();
