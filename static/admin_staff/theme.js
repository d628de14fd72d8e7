/* Unfold stores its theme in the browser. This script begins each page with the theme of the account, and reports a
   choice in Unfold's menu or by Ctrl+E to the account. It runs before Unfold's own scripts. */

(() => {
  const KEY = "adminTheme"; // as Unfold's own script names it
  const AUTO = "auto"; // the theme of the system
  const { theme, address, token } = document.currentScript.dataset;

  const shown = () => JSON.parse(localStorage.getItem(KEY) ?? `"${AUTO}"`);
  if (theme) localStorage.setItem(KEY, JSON.stringify(theme === "system" ? AUTO : theme));
  let known = shown();

  function report() {
    const chosen = shown();
    if (chosen === known) return;
    known = chosen;
    const body = new URLSearchParams({ theme: chosen === AUTO ? "system" : chosen });
    fetch(address, { method: "POST", headers: { "X-CSRFToken": token }, body, keepalive: true }).catch(() => {});
  }

  // What Unfold stores is there when its own listeners are through.
  for (const type of ["click", "keydown"]) document.addEventListener(type, () => setTimeout(report));
})();
