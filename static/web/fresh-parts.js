/* Parts of a page that are loaded again when something changed. */

import { partHeaders } from "./requests.js";

/** Return the markup of the part at `url`; null if it did not come. A session that ended leads to the sign-in. */
export async function fetchPart(url) {
  const response = await fetch(url, { headers: partHeaders() }).catch(() => null);
  if (response?.status === 401) location.reload();
  return response?.ok ? response.text() : null;
}

/**
 * Return a function that calls `load()`; calls while it is under way lead to one more afterwards, `pause` milliseconds
 * later. So what is shown is never older than what was shown before. An error of `load()` ends this round alone.
 */
export function oneAfterAnother(load, pause = 0) {
  let isDue = false;
  let isUnderWay = false;
  return async () => {
    isDue = true;
    if (isUnderWay) return;
    isUnderWay = true;
    try {
      while (isDue) {
        isDue = false;
        await load();
        if (pause) await new Promise((go) => setTimeout(go, pause));
      }
    } finally {
      isUnderWay = false;
    }
  };
}
