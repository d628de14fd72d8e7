/* Which option of an open list the arrow keys lead to. */

/** Return the place after `at` (-1: none) among `count` options; the list is a ring. */
export function nextPlace(at, key, count) {
  if (key === "ArrowDown") return (at + 1) % count;
  return at < 0 ? count - 1 : (at - 1 + count) % count;
}
