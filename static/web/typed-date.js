/* What is missing in a date that is half typed. Whether a whole date exists and fits is decided by the server. Pure. */

const MONTH = "(?:0?[1-9]|1[0-2])";
const DAY = "(?:0?[1-9]|[12]\\d|3[01])";
const MARK = "[\\s/.\\-]+";
const NAME = "(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*\\.?";
const HALVES = [
  [`${MONTH}${MARK}${DAY}(?:${MARK})?`, "the year is missing"],
  [`${NAME}\\s*${DAY}(?:st|nd|rd|th)?,?`, "the year is missing"],
  [`${DAY}(?:st|nd|rd|th)?\\s*${NAME},?`, "the year is missing"],
  [`(?:${MONTH}|${NAME})(?:${MARK})?`, "the day and the year are missing"],
  [`(?:19|20)\\d\\d-${MONTH}-?`, "the day is missing"],
  [`(?:19|20)\\d\\d-?`, "the month and the day are missing"],
  [`${MONTH}${MARK}${DAY}${MARK}(?:\\d|\\d{3})`, "the year is not complete"],
].map(([pattern, problem]) => [new RegExp(`^${pattern}$`, "i"), problem]);

/** Return what is missing in the date `text`, "" if it is whole or no date at all. */
export function missingInDate(text) {
  const typed = text.trim();
  return HALVES.find(([pattern]) => pattern.test(typed))?.[1] ?? "";
}

/** Return the ISO date `text` as Americans write it. */
export function asTyped(text) {
  const [year, month, day] = text.split("-").map(Number);
  return `${month}/${day}/${year}`;
}
