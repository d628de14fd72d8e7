/* Entry of the page that compares copies. */

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
