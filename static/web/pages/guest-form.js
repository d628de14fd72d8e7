/* Entry of the form page of guests. */

import { startForm } from "../form.js";
import { startGuestCompletion } from "../guest-completion.js";
import { startGuestSteps } from "../guest-steps.js";

startForm();
startGuestCompletion();
startGuestSteps();
