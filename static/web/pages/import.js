/* Entry of the page that imports a file. */

import { startShortcuts } from "../shortcuts.js";

startShortcuts();

/** Another file has other columns: the mapping of the last one goes. */
document.addEventListener("change", ({ target }) => {
  if (target.matches?.("[data-import-file]")) document.getElementById("import-preview").replaceChildren();
});
