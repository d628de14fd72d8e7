/* The theme that a person chose. The account stores it, and a cookie of this browser for pages without an account. The
   server reads both, so that a page never changes its colors while it loads. */

import { announce } from "./announcer.js";
import { request } from "./requests.js";

const YEAR = 365 * 24 * 60 * 60;
const SYSTEM = "system";

/** Show the theme `name` ("light", "dark" or "system") now and on every later page in this browser. */
function show(name) {
  const isSystem = name === SYSTEM;
  document.cookie = `theme=${isSystem ? "" : name}; path=/; max-age=${isSystem ? 0 : YEAR}; samesite=lax`;
  if (isSystem) delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = name;
}

/** Store the theme `name` on the account, for the other browsers of the person. */
async function store(name, choice) {
  const values = { order: "theme", theme: name };
  const { status } = await request("POST", choice.dataset.chooseTheme, { source: choice, swap: "none", values });
  if (status !== 204) announce("The theme could not be stored on your account. Choose it again in a moment.");
}

export function startTheme() {
  document.addEventListener("change", ({ target }) => {
    const choice = target.closest?.("[data-choose-theme]");
    if (!choice) return;
    show(target.value);
    store(target.value, choice);
  });
}
