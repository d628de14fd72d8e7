/* Pure rules of the grid of quotes: elapsed times and the words of its buttons. */

const MINUTE = 60;
const HOUR = 3600;

const two = (number) => String(number).padStart(2, "0");

/** Return seconds as "0:12", "12:05" or "3:04:00". */
export function clockText(seconds) {
  const whole = Math.max(0, Math.floor(seconds));
  const minutes = `${Math.floor((whole % HOUR) / MINUTE)}`;
  const rest = two(whole % MINUTE);
  return whole < HOUR ? `${minutes}:${rest}` : `${Math.floor(whole / HOUR)}:${two(minutes)}:${rest}`;
}

/** Return the label of the button that requests `fresh` new quotes and asks again for `again` old ones. */
export function requestLabel(fresh, again) {
  if (again && !fresh) return `Ask again ${again} quote${again === 1 ? "" : "s"}`;
  const all = fresh + again;
  return `Request ${all} quote${all === 1 ? "" : "s"}`;
}

/** Return the place after `step` rows from `place` in a list of `count`; -1 is no place yet. */
export function placeAfter(place, step, count) {
  if (!count) return -1;
  if (place < 0) return step > 0 ? 0 : count - 1;
  return Math.min(count - 1, Math.max(0, place + step));
}
