/* Entry of the page that compares copies. */

import "./form-view.js";

document.querySelector("[data-print]")?.addEventListener("click", () => window.print());
