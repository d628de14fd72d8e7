/* Entry of the page that starts a form. The first saved answer makes it; from then on the page is one of that form,
   under its address. */

import { announce } from "../announcer.js";
import { commitTyped } from "../field-editing.js";
import { fieldOf, focusField } from "../field.js";
import { page } from "../form-page.js";
import { queue } from "../form-queue.js";
import { startForm } from "../form.js";
import { startSocket } from "../socket.js";

const form = document.getElementById("new-form");
const firstPath = () => form.querySelector(".field[data-path]")?.dataset.path;

/** Go on as the page of the form at `addresses`, without loading anything. */
function becomeForm(addresses) {
  if (page.dataset.address) return;
  Object.assign(page.dataset, addresses);
  history.replaceState(history.state, "", addresses.address);
  for (const part of document.querySelectorAll("[data-before-form]")) part.hidden = true;
  startSocket();
}

function showProblem(text, path) {
  const problem = document.getElementById("new-form-problem");
  problem.textContent = text;
  problem.hidden = !text;
  if (!text) return;
  announce(text);
  focusField(path);
}

/** Go to the form when everything is saved; `place` is what opens there. */
async function goOn(place) {
  const field = fieldOf(document.activeElement ?? form);
  if (field) commitTyped(field);
  await queue.whenIdle();
  if (queue.isUnsaved) return showProblem("An answer is not saved yet. Fix it first.", queue.held()[0]);
  if (!page.dataset.address) return showProblem("Answer at least one question.", firstPath());
  showProblem("");
  history.replaceState(history.state, "", `${page.dataset.address}${place}`);
  location.reload();
}

startForm({ isStored: false });
document.body.addEventListener("form-started", ({ detail }) => becomeForm(detail));
if (firstPath()) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    goOn(event.submitter?.value === "guests" ? "#guests" : "");
  });
  focusField(firstPath());
}
