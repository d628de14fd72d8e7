/* Entry of the page that compares copies. */

import "./page.js";

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
