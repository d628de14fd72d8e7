/* Entry of the list of forms. */

import { startSelection } from "../selection.js";
import { startShortcuts } from "../shortcuts.js";

startShortcuts();
startSelection();
