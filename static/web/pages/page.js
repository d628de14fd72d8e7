/* Entry of every page that has no form. */

import { startShortcuts } from "../shortcuts.js";

startShortcuts();
