/* Entry of the form page of guests. */

import { startForm } from "../form.js";
import { startGuestCompletion } from "../guest-completion.js";
import { startGuestSteps } from "../guest-steps.js";

// It takes a link's secret out of the address before anything goes there.
startGuestCompletion();
startForm();
startGuestSteps();
