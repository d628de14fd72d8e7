/* Entry of the view with a form's quotes; `form-view.js` starts its shell. */

import { refresh, startQuoteGrid } from "../quote-grid.js";
import { startQuoteKeys } from "../quote-keys.js";
import { startQuoteLive } from "../quote-live.js";
import { startQuoteOrders } from "../quote-orders.js";

const { socket, version } = document.getElementById("quotes").dataset;

startQuoteGrid();
startQuoteOrders();
startQuoteKeys();
startQuoteLive({ address: socket, shown: Number(version), changed: refresh });
