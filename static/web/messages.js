/* Posts and dismisses messages, in the same line as answers are saved. A text stays in its field until it is posted.
 */

import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";

const form = document.getElementById("post-message");
const field = document.getElementById("message-text");
let posting = null; // the order under way, so that a second press does not post its text twice

function post() {
  const text = field.value.trim();
  // What the server refused is posted again when its person says so.
  if (!text || (text === posting?.text && queue.isInLine(posting))) return;
  posting = { to: page.dataset.messages, order: "post", text };
  queue.order(posting);
}

/** Post what the form contains, by its button or by Ctrl+Enter. */
function startPosting() {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    post();
  });
  field.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || !(event.ctrlKey || event.metaKey)) return;
    event.preventDefault();
    post();
  });
  document.body.addEventListener("message-posted", () => {
    if (field.value.trim() === posting?.text) field.value = "";
    posting = null;
  });
}

export function startMessages() {
  onClick("[data-dismiss]", ({ dataset }) => {
    queue.order({ to: page.dataset.messages, order: "dismiss", id: dataset.dismiss });
  });
  if (form) startPosting();
}
