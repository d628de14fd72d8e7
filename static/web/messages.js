/* Posts and dismisses messages, in the same line as answers are saved. A text stays in its field until it is posted.
 */

import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { problemOf } from "./requests.js";

const CONFLICT = 409;

const form = document.getElementById("post-message");
const field = document.getElementById("message-text");
let posting = null; // the text under way, so that a second press does not post it twice

const order = (values) => queue.order({ to: page.dataset.messages, ...values });

function post() {
  const text = field.value.trim();
  if (!text || text === posting) return;
  posting = text;
  order({ order: "post", text });
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
    if (field.value.trim() === posting) field.value = "";
    posting = null;
  });
  // What the server refused is not sent again by itself: its person corrects it first.
  document.body.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    if (xhr.status !== CONFLICT && problemOf(xhr)) posting = null;
  });
}

export function startMessages() {
  onClick("[data-dismiss]", ({ dataset }) => order({ order: "dismiss", id: dataset.dismiss }));
  if (form) startPosting();
}
