/* Posts and dismisses messages, in the same line as answers are saved. What is typed stays until it is posted. */
(() => {
  "use strict";

  const page = document.getElementById("form");
  const form = document.getElementById("post-message"), text = document.getElementById("message-text");
  const { order } = window.saving, to = page.dataset.messages;
  let posting = null; // what is under way, so that a second press does not post it twice

  page.addEventListener("click", (event) => {
    const button = event.target.closest("[data-dismiss]");
    if (button) order({ to, order: "dismiss", id: button.dataset.dismiss });
  });

  function post() {
    const said = text.value.trim();
    if (!said || said === posting) return;
    posting = said;
    order({ to, order: "post", text: said });
  }
  form?.addEventListener("submit", (event) => { event.preventDefault(); post(); });
  text?.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && (event.ctrlKey || event.metaKey)) { event.preventDefault(); post(); }
  });

  document.body.addEventListener("message-posted", () => {
    if (text.value.trim() === posting) text.value = "";
    posting = null;
  });
  // What the server refused is not sent again by itself: it is mended first.
  document.body.addEventListener("htmx:afterRequest", ({ detail: { xhr } }) => {
    if (xhr.status !== 409 && xhr.getResponseHeader("X-Problem")) posting = null;
  });
})();
