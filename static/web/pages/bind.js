/* Entry of the page that binds one quote. */

import { startBinding } from "../binding.js";
import { startCopyOrders } from "../copy-orders.js";
import { startForm } from "../form.js";
import { page } from "../form-page.js";

startForm();
startCopyOrders(page);
startBinding();
