/* Entry of the form page of agents. */

import { startForm } from "../form.js";
import { startGuestLinks } from "../guest-links.js";
import { startMessages } from "../messages.js";

startForm();
startGuestLinks();
startMessages();
