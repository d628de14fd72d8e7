/* The consent and the orders of the page that binds a quote, in the same line as answers are saved. A consent is to one
   wording: if that changes, the mark at the consent goes. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";

const form = document.getElementById("bind-form");
const wording = () => document.getElementById("bind-wording");
let shownHash = wording()?.dataset.hash;

const order = (values) => queue.order({ to: page.dataset.binding, ...values });

function showProblem(text) {
  const place = document.getElementById("bind-problem");
  place.textContent = text;
  place.hidden = !text;
}

/** Request to bind what is shown, with the consent that was entered. */
async function bind() {
  const { agrees, accepted_by: name, payment_method: method } = form.elements;
  const hasConsent = Boolean(wording().querySelector(".agreed"));
  if (!hasConsent && !name.value.trim()) return refuse("Enter the name of the person who agrees.", name);
  if (!hasConsent && !agrees.checked) return refuse("Confirm that this person agrees to the wording.", agrees);
  showProblem("");
  await queue.whenIdle();
  order({
    order: "bind",
    wording_hash: shownHash,
    accepted_by: name.value,
    agrees: agrees.checked ? "yes" : "",
    payment_method: method?.value ?? "",
  });
}

function refuse(text, control) {
  showProblem(text);
  control.focus();
}

/** Take the mark at the consent back where another wording is shown from now on. */
function noteWording() {
  const { hash } = wording().dataset;
  if (hash === shownHash) return;
  shownHash = hash;
  if (!form.elements.agrees.checked) return;
  form.elements.agrees.checked = false;
  announce("The wording has changed. Ask the insured to agree again.");
}

export function startBinding() {
  onClick("[data-bind-order]", ({ dataset }) => order({ order: dataset.bindOrder, id: dataset.id ?? "" }));
  if (!form) return;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    bind();
  });
  onClick("[data-bind-help]", () => order({ order: "help" }));
  document.body.addEventListener("htmx:afterRequest", noteWording);
}
