/* Entry of the form page of agents. */

import { startCopyTitle } from "../copy-title.js";
import { startForm } from "../form.js";
import { startGuestLinks } from "../guest-links.js";
import { startMessages } from "../messages.js";

startForm();
startCopyTitle();
startGuestLinks();
startMessages();
