/* The name of the copy, in the same line as answers are saved. */

import { page } from "./form-page.js";
import { queue } from "./form-queue.js";

export function startCopyTitle() {
  const form = document.getElementById("rename");
  const field = document.getElementById("copy-title");
  form.addEventListener("submit", (event) => event.preventDefault());
  field.addEventListener("change", () => {
    queue.order({ order: "rename", to: page.dataset.title, title: field.value });
  });
}
