/* What the grid of quotes orders: request, ask again, withdraw, select, mark done, and an answer that is entered. */

import { announce } from "./announcer.js";
import { onClick } from "./clicks.js";
import { choice, clearChoice, refresh, showParts, toggleDetails } from "./quote-grid.js";
import { problemOf, request, showProblem } from "./requests.js";

const FAILED = "This could not be done. Try again.";

const grid = () => document.getElementById("quotes");
const isDone = ({ status }) => status >= 200 && status < 300;

function say(text) {
  const place = document.getElementById("toast");
  if (place) place.textContent = text;
  announce(text);
}

/** Send `values` to the address `to`; return whether it was done. The response has the grid as it is then. */
async function send(to, values) {
  const isShown = to === grid().dataset.orders && !grid().dataset.address.includes("?");
  const sent = isShown ? values : { ...values, quiet: "yes" };
  const xhr = await request("POST", to, { source: grid(), swap: "none", values: sent });
  if (!isDone(xhr)) {
    say(problemOf(xhr) || FAILED);
    return false;
  }
  if (isShown) showParts(xhr.responseText);
  else refresh();
  return true;
}

async function sendOrder(button) {
  const { quoteOrder: order, request: requests, product: products, condition, to } = button.dataset;
  const values = Object.entries({ order, requests, products, condition }).filter(([, value]) => value);
  button.disabled = true;
  const done = await send(to, Object.fromEntries(values));
  if (!done) button.disabled = false;
}

/** Request what is chosen, or everything that can be requested. */
async function requestQuotes(button) {
  const { products, requests } = choice();
  const isChosen = products.length + requests.length > 0;
  const wanted = isChosen ? products : button.dataset.requestQuotes.split(" ");
  button.disabled = true;
  await send(grid().dataset.orders, {
    order: "request",
    products: wanted.join(" "),
    requests: requests.join(" "),
  });
  clearChoice();
}

async function saveAnswer(form) {
  const problem = form.querySelector("[data-problem]");
  problem.hidden = true;
  const values = {};
  for (const name of new Set(new FormData(form).keys())) values[name] = new FormData(form).getAll(name);
  const xhr = await request("POST", form.getAttribute("action"), { source: form, swap: "none", values });
  if (!isDone(xhr)) {
    showProblem(problem, xhr);
    return;
  }
  await toggleDetails(form.dataset.answerOf, false);
  say("The answer is saved.");
  refresh();
}

/** Show only the fields that belong to the chosen answer. */
function fitAnswer(form) {
  const status = form.elements.status.value;
  for (const part of form.querySelectorAll("[data-for]")) part.hidden = part.dataset.for !== status;
}

export function startQuoteOrders() {
  onClick("[data-quote-order]", sendOrder);
  onClick("[data-request-quotes]", requestQuotes);
  onClick("[data-ask-again]", ({ dataset }) =>
    send(grid().dataset.orders, { order: "ask-again", requests: dataset.askAgain }),
  );
  document.addEventListener("submit", (event) => {
    if (!event.target.matches(".quote-answer")) return;
    event.preventDefault();
    saveAnswer(event.target);
  });
  document.addEventListener("change", ({ target }) => {
    if (target.name === "status" && target.closest(".quote-answer")) fitAnswer(target.form);
  });
  document.body.addEventListener("quotes-ordered", ({ detail }) => say(detail.text));
}
