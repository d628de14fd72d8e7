/* The theme that a person chose in this browser. The server reads the cookie, so that a page never changes its colors
   while it loads. */

const YEAR = 365 * 24 * 60 * 60;

/** Show the theme `name` ("light", "dark", "" for the system's) now and on every later page. */
function choose(name) {
  const age = name ? YEAR : 0;
  document.cookie = `theme=${name}; path=/; max-age=${age}; samesite=lax`;
  if (name) document.documentElement.dataset.theme = name;
  else delete document.documentElement.dataset.theme;
}

export function startTheme() {
  document.addEventListener("change", ({ target }) => {
    if (target.matches?.("[name=theme]")) choose(target.value);
  });
}
