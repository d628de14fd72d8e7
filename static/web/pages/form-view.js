/* Entry of the views of a form other than the answers. */

import { startCopyOrders } from "../copy-orders.js";
import { startShortcuts } from "../shortcuts.js";

startShortcuts();
startCopyOrders(document.querySelector(".form-page"));
