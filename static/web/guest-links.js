/* The dialog with guest links: loaded when it is opened, and again when something of the form was saved meanwhile. */

import { onClick } from "./clicks.js";
import { page } from "./form-page.js";
import { queue } from "./form-queue.js";
import { load, showProblem } from "./requests.js";

const OPEN = "#guests";

const dialog = document.getElementById("guests");
const place = document.getElementById("guest-links");

const loadLinks = () => load(page.dataset.guestLinks, place);

/** Return whether the person is working in the dialog: an address that is not copied yet is shown only once. */
function isInUse() {
  if (document.getElementById("guest-address") || document.getElementById("guest-name")?.value) return true;
  return Boolean(dialog.querySelector("select:focus, li :focus, details[open]"));
}

function showFailure({ detail }) {
  const problem = document.getElementById("guest-problem");
  if (problem) showProblem(problem, detail.xhr);
}

function focusNext() {
  const address = document.getElementById("guest-address");
  if (address) address.select();
  else dialog.querySelector("#guest-name")?.focus();
}

async function copy(button) {
  const address = document.getElementById(button.dataset.copy);
  address.select();
  // Without a secure page there is no clipboard: the address is selected for Ctrl+C.
  const copied = navigator.clipboard?.writeText(address.value);
  await copied?.then(
    () => (button.textContent = "Copied"),
    () => {},
  );
}

/** Open the dialog on a page that was opened for it. */
function openAtOnce() {
  if (location.hash !== OPEN) return;
  history.replaceState(history.state, "", location.pathname);
  dialog.showModal();
  loadLinks();
}

export function startGuestLinks() {
  document.getElementById("guests-button").addEventListener("click", loadLinks);
  openAtOnce();
  // When it is opened again it must not show an old address.
  dialog.addEventListener("close", () => place.replaceChildren());
  page.addEventListener("saved", () => {
    if (dialog.open && !isInUse()) loadLinks();
  });
  dialog.addEventListener("htmx:beforeSwap", ({ detail }) => {
    if (detail.requestConfig.verb === "get" && isInUse()) detail.shouldSwap = false;
  });
  dialog.addEventListener("htmx:beforeRequest", () =>
    document.getElementById("guest-problem")?.setAttribute("hidden", ""),
  );
  dialog.addEventListener("htmx:responseError", showFailure);
  dialog.addEventListener("htmx:sendError", showFailure);
  dialog.addEventListener("htmx:afterRequest", ({ detail }) => {
    // The socket does not announce a save to the page that made it.
    if (detail.successful && detail.requestConfig.verb === "post") queue.refresh();
  });
  dialog.addEventListener("htmx:afterSwap", focusNext);
  onClick("[data-copy]", copy);
}
