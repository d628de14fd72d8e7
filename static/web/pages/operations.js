/* Entry of the list of operations and of the page of one. */

import { startOperationsLive } from "../operations-live.js";
import { startShortcuts } from "../shortcuts.js";

startShortcuts();
startOperationsLive();
