/* Entry of the page that a guest's link leads to. The link's secret stands behind the "#", so it was sent nowhere: it
   is sent with the button, once, and is then removed from the address too. */

import { say } from "../words.js";

const REASON = "text/plain"; // a response of this type is a sentence for the guest

const form = document.getElementById("open");
const button = form.querySelector("button");
const problem = document.getElementById("problem");
const secret = location.hash.slice(1);

function show(id) {
  for (const part of ["ready", "over", "incomplete"]) document.getElementById(part).hidden = part !== id;
}

const removeSecret = () => history.replaceState(null, "", location.pathname);

function refuse(text) {
  problem.textContent = text;
  problem.hidden = false;
  button.disabled = false;
}

function showOver() {
  removeSecret();
  show("over");
  document.getElementById("over-title").focus();
}

function askForDigits(text) {
  const field = document.getElementById("digits-field");
  // The first time the field was hidden: nothing was entered wrong.
  if (field.hidden) button.disabled = false;
  else refuse(text);
  field.hidden = false;
  form.elements.digits.value = "";
  form.elements.digits.required = true;
  form.elements.digits.focus();
}

/** Show who asks, before the link is opened. Without a response the page stays as it is. */
async function look() {
  const body = new FormData(form);
  body.set("secret", secret);
  body.set("look", "1");
  const response = await fetch(form.action, { method: "POST", body }).catch(() => null);
  const hasReason = response?.headers.get("Content-Type").startsWith(REASON);
  if (response?.status === 403 && hasReason) return showOver();
  if (!response?.ok) return;
  const asks = await response.json();
  document.getElementById("asks").textContent = asks.title;
  fill("asks-time", asks.time && say("It takes {time}. Your answers are saved as you type.", { time: asks.time }));
  fill("asks-contact", asks.contact && say("Questions? {contact}", { contact: asks.contact }));
  if (!asks.logo) return;
  const logo = document.getElementById("logo-template").content.cloneNode(true);
  logo.firstElementChild.src = asks.logo;
  document.getElementById("agency-logo").replaceChildren(logo);
}

function fill(id, text) {
  const line = document.getElementById(id);
  line.textContent = text;
  line.hidden = !text;
}

async function open(event) {
  event.preventDefault();
  button.disabled = true;
  problem.hidden = true;
  form.elements.secret.value = secret;
  const response = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
  if (response === null || response.status >= 500) return refuse(say("The server is not responding. Try again."));
  const text = await response.text();
  if (response.ok) {
    removeSecret();
    return location.replace(text);
  }
  const digits = response.headers.get("X-Phone-Digits");
  if (digits === "needed") return askForDigits(text);
  if (digits === "blocked") return refuse(text);
  const hasReason = response.headers.get("Content-Type").startsWith(REASON);
  if (response.status === 403 && hasReason) return showOver();
  refuse(hasReason ? text : say("This page was open too long. Open your link again."));
}

// The same page with another link behind the "#" is another link.
addEventListener("hashchange", () => location.reload());
/** Load the page in another language: the link's secret stays in the address. */
for (const link of document.querySelectorAll("[data-language]")) {
  link.addEventListener("click", (event) => {
    event.preventDefault();
    location.search = new URL(link.href).search;
  });
}
if (secret) {
  show("ready");
  form.addEventListener("submit", open);
  look();
}
