/* Entry of the form page of agents. */

import { startAnswersTabs } from "../answers-tabs.js";
import { startForm } from "../form.js";
import { startGuestLinks } from "../guest-links.js";
import { startGuestNews } from "../guest-news.js";
import { startMessages } from "../messages.js";
import { startPasteRows } from "../paste-rows.js";
import { startQuestionWhy } from "../question-why.js";
import { startQuoteFoot } from "../quote-foot.js";

startForm();
startAnswersTabs();
startGuestLinks();
startGuestNews();
startMessages();
startPasteRows();
startQuestionWhy();
startQuoteFoot();
