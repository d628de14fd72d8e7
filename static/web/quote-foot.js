/* The foot of the products: it requests the quotes of the checked products and goes to the view with all quotes. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { requestLabel } from "./quote-clock.js";
import { request, showProblem } from "./requests.js";

const NOT_SAVED = "An answer is not saved. Fix it or undo it before you request quotes.";

const button = () => document.getElementById("request-products");
const picks = () => [...(document.getElementById("products")?.querySelectorAll("[data-product-pick]") ?? [])];
const picked = () => picks().flatMap((box) => (box.checked ? [box.dataset.productPick] : []));

/** Say in the button how many quotes it requests. */
function label() {
  const found = button();
  if (!found || !picks().length) return;
  const { length } = picked();
  found.disabled = !length;
  found.textContent = length ? requestLabel(length, 0) : "Request quotes";
}

function refuse(text) {
  const place = document.getElementById("quote-foot-problem");
  place.textContent = text;
  place.hidden = false;
}

async function requestQuotes(pressed) {
  const products = picked();
  pressed.disabled = true;
  await queue.whenIdle();
  if (queue.isUnsaved) {
    refuse(NOT_SAVED);
    pressed.disabled = false;
    return;
  }
  const values = { order: "request", products: products.join(" "), quiet: "yes" };
  const xhr = await request("POST", pressed.dataset.requestProducts, { source: pressed, swap: "none", values });
  if (xhr.status < 200 || xhr.status >= 300) {
    showProblem(document.getElementById("quote-foot-problem"), xhr);
    pressed.disabled = false;
    return;
  }
  announce(`${products.length} quotes requested.`);
  location.assign(document.getElementById("view-quotes").href);
}

export function startQuoteFoot() {
  onClick("[data-request-products]", requestQuotes);
  document.addEventListener("change", ({ target }) => {
    if (target.matches?.("[data-product-pick]")) label();
  });
  page.addEventListener("saved", () => setTimeout(label));
  document.body.addEventListener("htmx:afterSettle", label);
}
