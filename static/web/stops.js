/* Where the Tab key goes from an element. */

const STOPS = "a[href], button, input, select, textarea, summary, [tabindex]";

const isRadio = (element) => element.matches("input[type=radio]");

function isStop(element) {
  return element.tabIndex >= 0 && !element.disabled && !element.closest("[inert]") && element.checkVisibility();
}

/** Return whether Tab stops at `radio` of all those of its question: at the chosen one, else at the first. */
function isStopOfGroup(radio, group) {
  return radio === (group.find(({ checked }) => checked) ?? group[0]);
}

/** Return the element that Tab leads to from `element`, null at the end of the page. */
export function stopAfter(element) {
  const all = [...document.querySelectorAll(STOPS)].filter(isStop);
  const groupOf = (radio) => all.filter((other) => isRadio(other) && other.name === radio.name);
  return (
    all.find((stop) => {
      if (!(element.compareDocumentPosition(stop) & Node.DOCUMENT_POSITION_FOLLOWING)) return false;
      if (!isRadio(stop)) return true;
      return !(isRadio(element) && element.name === stop.name) && isStopOfGroup(stop, groupOf(stop));
    }) ?? null
  );
}
