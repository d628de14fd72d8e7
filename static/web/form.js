/* The form page, as agents and guests have it. */

import * as conflicts from "./conflicts.js";
import { startDeletedForm } from "./deleted-form.js";
import { startDrawers } from "./drawers.js";
import { startExplanations } from "./explanations.js";
import { startFieldEditing } from "./field-editing.js";
import { queue, startQueue } from "./form-queue.js";
import * as keptTexts from "./kept-texts.js";
import { installGuards } from "./morph-guards.js";
import { startNavigation } from "./navigation.js";
import { startPresence } from "./presence.js";
import { startPutAway } from "./put-away.js";
import { startRowKeys } from "./row-keys.js";
import { startRows } from "./rows.js";
import { startSaveStatus } from "./save-status.js";
import { startScrollAnchor } from "./scroll-anchor.js";
import { startServerEvents } from "./server-events.js";
import { startSetCards } from "./set-cards.js";
import { startShortcuts } from "./shortcuts.js";
import { startSocket } from "./socket.js";
import { startTabHold } from "./tab-hold.js";
import { startUndoStack } from "./undo-stack.js";

/** Start the page; one whose form does not exist yet has nobody to listen to. */
export function startForm({ isStored = true } = {}) {
  installGuards({ queue, conflicts, keptTexts });
  startShortcuts();
  startQueue();
  startSaveStatus();
  startServerEvents();
  startDeletedForm();
  startScrollAnchor();
  // A choice between two answers is reminded of before the decision about a question that is no longer asked.
  conflicts.startConflicts();
  keptTexts.startKeptTexts();
  startFieldEditing();
  startTabHold();
  startPutAway();
  startRows();
  startRowKeys();
  startSetCards();
  startUndoStack();
  startExplanations();
  startDrawers();
  startNavigation();
  startPresence();
  if (isStored) startSocket();
}
