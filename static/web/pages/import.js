/* Entry of the page that imports a file: a preview loads only its part, a try and an import load the next page. */

import { startShortcuts } from "../shortcuts.js";

startShortcuts();

document.addEventListener("htmx:configRequest", (event) => {
  if (event.detail.triggeringEvent?.submitter?.hasAttribute("data-whole-page")) {
    event.preventDefault();
    const button = event.detail.triggeringEvent.submitter;
    const form = button.form;
    const step = document.createElement("input");
    Object.assign(step, { type: "hidden", name: "step", value: button.value });
    form.append(step);
    form.submit();
  }
});

/** Another file has other columns: the mapping of the last one goes. */
document.addEventListener("change", ({ target }) => {
  if (target.matches?.("[data-import-file]")) document.getElementById("import-preview").replaceChildren();
});
