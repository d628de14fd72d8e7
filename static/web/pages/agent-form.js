/* Entry of the form page of agents. */

import { startAnswersTabs } from "../answers-tabs.js";
import { startForm } from "../form.js";
import { startGuestLinks } from "../guest-links.js";
import { startMessages } from "../messages.js";
import { startQuoteFoot } from "../quote-foot.js";

startForm();
startAnswersTabs();
startGuestLinks();
startMessages();
startQuoteFoot();
