/* The dialog with guests' links: loaded when it is opened, and anew when something of the form was saved meanwhile. */
(() => {
  "use strict";

  const dialog = document.getElementById("guests"), place = document.getElementById("guest-links");
  const load = () => htmx.ajax("GET", dialog.dataset.url, { target: place, source: place, swap: "innerHTML" }).catch(() => {});

  document.getElementById("guests-button").addEventListener("click", load);
  // What its hands are at stays: an address that is not copied yet is shown only once.
  const isInUse = () => document.getElementById("guest-address") || document.getElementById("guest-name")?.value || dialog.querySelector("select:focus, li :focus");
  dialog.addEventListener("htmx:beforeSwap", (event) => {
    if (event.detail.requestConfig.verb === "get" && isInUse()) event.detail.shouldSwap = false;
  });
  // Opened again it shows nothing old, also no address.
  dialog.addEventListener("close", () => place.replaceChildren());
  document.getElementById("form").addEventListener("saved", () => { if (dialog.open && !isInUse()) load(); });

  dialog.addEventListener("htmx:beforeRequest", () => document.getElementById("guest-problem")?.setAttribute("hidden", ""));
  const refuse = (event) => {
    const problem = document.getElementById("guest-problem");
    if (!problem) return;
    problem.textContent = event.detail.xhr?.getResponseHeader("X-Problem") || "The server is not responding. Try again.";
    problem.hidden = false;
  };
  dialog.addEventListener("htmx:responseError", refuse);
  dialog.addEventListener("htmx:sendError", refuse);
  dialog.addEventListener("htmx:afterRequest", (event) => {
    // A save of one's own is not told by the socket.
    if (event.detail.successful && event.detail.requestConfig.verb === "post") window.saving.refresh();
  });
  dialog.addEventListener("htmx:afterSwap", () => {
    const address = document.getElementById("guest-address");
    if (address) address.select(); else dialog.querySelector("#guest-name")?.focus();
  });
  dialog.addEventListener("click", async (event) => {
    const button = event.target.closest("[data-copy]");
    if (!button) return;
    const field = document.getElementById(button.dataset.copy);
    field.select();
    // Without a secure page there is no clipboard: the address is selected for Ctrl+C.
    await navigator.clipboard?.writeText(field.value).then(() => { button.textContent = "Copied"; }, () => {});
  });
})();
