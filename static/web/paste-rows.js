/* Rows from a spreadsheet: pasted into a dialog, or into a field of a pool, matched to its questions, added at once. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { problemOf, request, showProblem } from "./requests.js";
import { fromTemplate } from "./page-templates.js";

const dialog = document.getElementById("paste");
const form = document.getElementById("paste-form");
const step = document.getElementById("paste-step");
const text = document.getElementById("paste-text");

const values = () => Object.fromEntries(new FormData(form));

/** Show how the pasted columns match; the focus stays at the column that was changed. */
async function match() {
  const focused = document.activeElement?.id;
  const xhr = await request("POST", page.dataset.paste, { source: form, target: "#paste-step", values: values() });
  if (xhr.status >= 400 || xhr.status === 0) {
    const problem = fromTemplate("paste-problem");
    showProblem(problem, xhr);
    step.replaceChildren(problem);
    announce(problemOf(xhr));
  }
  document.getElementById(focused)?.focus();
}

/** Other text needs another preview: nothing is added that was not shown. */
const forgetPreview = () => step.replaceChildren();

function open(path, pasted = "") {
  document.getElementById("paste-path").value = path;
  text.value = pasted;
  forgetPreview();
  dialog.showModal();
  text.focus();
  if (pasted) match();
}

function save() {
  queue.order({ to: page.dataset.paste, ...values(), step: "save" });
  dialog.close();
}

/** Let several rows that are pasted into a field of a pool become rows of the pool. */
function notePaste(event) {
  const pasted = event.clipboardData?.getData("text/plain") ?? "";
  const rows = event.target.closest?.(".rows");
  const foot = rows?.parentElement.querySelector(":scope > .pool-foot");
  const isTable = pasted.includes("\t") && pasted.trim().includes("\n");
  if (!isTable || !foot?.querySelector("[data-paste-rows]")) return;
  event.preventDefault();
  open(foot.dataset.pool, pasted);
}

export function startPasteRows() {
  onClick("[data-paste-rows]", ({ dataset }) => open(dataset.pasteRows));
  onClick("[data-close-paste]", () => dialog.close());
  onClick("[data-save-pasted]", save);
  page.addEventListener("paste", notePaste);
  text.addEventListener("input", forgetPreview);
  text.addEventListener("paste", () => setTimeout(match));
  step.addEventListener("change", match);
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    match();
  });
}
