/* Entry of the page that imports a file. */

import { startShortcuts } from "../shortcuts.js";

startShortcuts();

/** Another file has other columns: the mapping of the last one goes. */
document.addEventListener("change", ({ target }) => {
  if (target.matches?.("[data-import-file]")) document.getElementById("import-preview").replaceChildren();
});

/** A refused file is marked at its field, which stays while the part below it is loaded again. */
document.addEventListener("htmx:afterSwap", () => {
  const field = document.querySelector("[data-import-file]");
  if (document.querySelector("[data-of-file]")) field.setAttribute("aria-invalid", "true");
  else field.removeAttribute("aria-invalid");
});
