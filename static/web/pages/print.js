/* Prints the page: comparisons, declines. */

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
