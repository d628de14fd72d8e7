/* What only a guest's form page does: it says that all is answered. */
(() => {
  "use strict";

  // Whoever opens a used link again in their browser comes here, with the link's secret still in the address.
  if (location.hash.length > 40) history.replaceState(null, "", location.pathname);

  /** Wait until nothing is being saved. */
  const settled = () => new Promise((resolve) => {
    const saved = document.getElementById("saved");
    const look = () => (saved.dataset.state === "saving" ? setTimeout(look, 50) : resolve());
    // A field that was just left is saved first.
    setTimeout(look, 0);
  });

  document.addEventListener("click", async (event) => {
    const button = event.target.closest("#done");
    if (!button || button.disabled) return;
    button.disabled = true;
    await settled();
    const finished = (answer) => {
      if (answer.detail.elt !== button) return;
      document.body.removeEventListener("htmx:afterRequest", finished);
      button.disabled = false;
      const { status } = answer.detail.xhr;
      if (status === 204) {
        window.saving.live("Thank you. Your agent has been notified.");
        return window.saving.refresh();
      }
      if (status === 422) return;
      const problem = document.getElementById("done-problem");
      problem.textContent = answer.detail.xhr.getResponseHeader("X-Problem") || "The server is not responding. Try again.";
      problem.hidden = false;
    };
    document.body.addEventListener("htmx:afterRequest", finished);
    htmx.ajax("POST", button.dataset.url, { source: button, target: "#panel", swap: "morph" }).catch(() => {});
  });
})();
