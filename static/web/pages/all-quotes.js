/* Entry of the page with the quotes of all forms: it looks for news while it is in view. */

import { refresh, startQuoteGrid } from "../quote-grid.js";
import { startQuoteKeys } from "../quote-keys.js";
import { startQuoteOrders } from "../quote-orders.js";
import { startShortcuts } from "../shortcuts.js";

const LOOK_AGAIN = 5_000;

startShortcuts();
startQuoteGrid();
startQuoteOrders();
startQuoteKeys();
setInterval(() => {
  if (!document.hidden) refresh();
}, LOOK_AGAIN);
