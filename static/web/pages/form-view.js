/* Entry of the views of a form other than the answers. */

import { startCopyTabs } from "../copy-tabs.js";
import { problemOf, request } from "../requests.js";
import { announce } from "../announcer.js";
import { startShortcuts } from "../shortcuts.js";

const root = document.querySelector(".form-page");

/** Send `order`; a page that shows something else afterwards is loaded again. */
async function sendOrder({ to, needsTabs: _needsTabs, ...values }) {
  const headers = { "X-View": root.dataset.view };
  const xhr = await request("POST", to, { source: root, swap: "none", values, headers });
  const hasFailed = xhr.status < 200 || xhr.status >= 300;
  if (hasFailed) announce(problemOf(xhr) || "This could not be done. Try again.");
  else if (!xhr.getResponseHeader("HX-Trigger-After-Settle")?.includes("copy-made")) location.reload();
}

startShortcuts();
startCopyTabs({ sendOrder, goTo: (url) => location.assign(url) });
