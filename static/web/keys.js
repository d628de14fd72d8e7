/* Keys and dialogs of every page: "/" searches, "g" then a letter goes places, "?" shows the keys. */
(() => {
  "use strict";

  const GO = { f: () => document.querySelector("a.brand")?.click() };
  let going = 0;

  /** Let a page add where "g" and a letter go. */
  window.partnerEngine = { goTo: (letter, go) => { GO[letter] = go; } };

  const isTyping = (element) =>
    element.matches("input:not([type=radio]):not([type=checkbox]), textarea, select, [contenteditable]");

  document.addEventListener("keydown", (event) => {
    if (event.ctrlKey || event.metaKey || event.altKey || isTyping(event.target) || document.querySelector("dialog[open]")) return;
    const wasGoing = Date.now() - going < 1500;
    going = 0;
    if (wasGoing && GO[event.key]) {
      event.preventDefault();
      GO[event.key]();
    } else if (event.key === "g") {
      going = Date.now();
    } else if (event.key === "/") {
      const search = document.querySelector("[data-search]");
      if (search) { event.preventDefault(); search.focus(); search.select(); }
    } else if (event.key === "?") {
      const keys = document.getElementById("keys");
      if (keys) { event.preventDefault(); keys.showModal(); }
    }
  });

  document.addEventListener("click", (event) => {
    const opener = event.target.closest("[data-open-dialog]");
    if (opener) document.getElementById(opener.dataset.openDialog).showModal();
  });
})();
