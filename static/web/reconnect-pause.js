/* How long to wait before the next attempt to connect. */

const SHORTEST = 250;
const LONGEST = 30_000;

/**
 * Return milliseconds: longer after each attempt, and random, so that pages do not all come back at the same
 * moment.
 */
export function reconnectPause(attempts, random = Math.random) {
  return Math.min(LONGEST, SHORTEST * 2 ** attempts) * (0.5 + random() / 2);
}
