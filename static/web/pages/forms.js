/* Entry of the worklist of forms. */

import { startSelection } from "../selection.js";
import { startShortcuts } from "../shortcuts.js";
import { startWorklist } from "../worklist.js";

startShortcuts();
startSelection();
startWorklist();
