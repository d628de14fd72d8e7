/* The page that a guest's link leads to. The link's secret stands behind the "#", so it was sent nowhere: it goes out with
   the button, once, and then leaves the address too. */
(() => {
  "use strict";

  const form = document.getElementById("open"), button = form.querySelector("button"), problem = document.getElementById("problem");
  const secret = location.hash.slice(1);
  const show = (id) => { for (const part of ["ready", "over", "incomplete"]) document.getElementById(part).hidden = part !== id; };
  const forget = () => history.replaceState(null, "", location.pathname);
  // The same page with another link is another link.
  addEventListener("hashchange", () => location.reload());
  if (!secret) return;
  show("ready");

  function refuse(text) {
    problem.textContent = text;
    problem.hidden = false;
    button.disabled = false;
  }

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    button.disabled = true;
    problem.hidden = true;
    form.elements.secret.value = secret;
    const answer = await fetch(form.action, { method: "POST", body: new FormData(form) }).catch(() => null);
    if (answer === null || answer.status >= 500) return refuse("The server is not responding. Try again.");
    const text = await answer.text();
    if (answer.ok) {
      forget();
      return location.replace(text);
    }
    if (answer.status === 403 && answer.headers.get("Content-Type").startsWith("text/plain")) {
      forget();
      show("over");
      return document.getElementById("over-title").focus();
    }
    refuse(answer.headers.get("Content-Type").startsWith("text/plain") ? text : "This page was open too long. Open your link again.");
  });
})();
