/* The page's socket: hears what others save (and lets the page ask for it), who is there, and when it is cut off. */
(() => {
  "use strict";

  const page = document.getElementById("form");
  const banner = document.getElementById("banner");
  const { refresh, shownVersion, live } = window.saving;
  const presence = window.presence;
  const SILENCE = 45000; // the server says something every 20 s
  const UNSAID = 1500; // a gap that short is nobody's concern
  let socket = null, id = "", attempts = 0, isOver = false, isSignedOut = false;
  let retry = 0, silence = 0, unsaid = 0, pointed = 0;
  let place = null; // the question that one is at, as told to the others

  function tell(text, action, state = "offline") {
    banner.replaceChildren();
    banner.dataset.state = state;
    if (!text) return;
    const said = document.createElement("span");
    said.textContent = text;
    banner.append(said);
    if (action) banner.append(action);
  }
  const tellOffline = () => tell("You are offline. Your answers are stored here and saved when you are back online.");
  const isOffline = () => banner.dataset.state === "offline" && banner.childElementCount > 0;

  function connect() {
    clearTimeout(retry);
    if (isOver || socket) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const opened = socket = new WebSocket(`${scheme}://${location.host}${page.dataset.socket}`);
    opened.addEventListener("message", (event) => { if (opened === socket) hear(JSON.parse(event.data)); });
    opened.addEventListener("close", (event) => { if (opened === socket) lose(event.code); });
    listen();
  }

  /** A connection that says nothing for long is none, whatever it says of itself. */
  function listen() {
    clearTimeout(silence);
    silence = setTimeout(() => { const deaf = socket; lose(0); deaf?.close(); }, id ? SILENCE : 10000);
  }

  function lose(code) {
    socket = null;
    id = "";
    delete page.dataset.live;
    clearTimeout(silence);
    presence.nobody();
    if (code === 4401) return leave();
    if (code === 4404) return end("This form no longer exists.");
    if (!unsaid && !isSignedOut) unsaid = setTimeout(tellOffline, UNSAID);
    attempts += 1;
    if (attempts > 2 || isSignedOut) ask();
    // Apart from each other: a server that comes back is not asked by everybody at once.
    retry = setTimeout(connect, Math.min(30000, 250 * 2 ** attempts) * (0.5 + Math.random() / 2));
  }

  function end(text) {
    isOver = true;
    clearTimeout(retry);
    tell(text);
    live(text);
  }

  /** A guest's link is over for good; an agent may sign in again. */
  function leave() {
    if (page.dataset.ended) end(page.dataset.ended);
    else signedOut();
  }

  /** What was typed stays: the page goes on once its person has signed in elsewhere. */
  function signedOut() {
    clearTimeout(retry);
    retry = setTimeout(comeBack, 5000);
    isOver = true;
    if (isSignedOut) return;
    isSignedOut = true;
    const link = document.createElement("a");
    link.href = page.dataset.signIn; link.target = "_blank"; link.textContent = "Sign in using another tab";
    clearTimeout(unsaid);
    unsaid = 0;
    tell("You are signed out. What you typed is still here.", link);
    live("You are signed out. Sign in using another tab. What you typed is still here.");
  }

  /** A refused handshake does not say why; the server's pages do. */
  async function ask() {
    const answer = await fetch(page.dataset.parts, { headers: { "HX-Request": "true", "X-Copy-Version": String(shownVersion()) } }).catch(() => null);
    if (answer?.status === 401) leave();
    else if (answer?.status === 404) end("This form no longer exists.");
  }

  function hear(frame) {
    if (frame.type === "snapshot") {
      id = frame.socket;
      page.dataset.live = "";
      attempts = 0;
      clearTimeout(unsaid);
      unsaid = 0;
      if (isOffline()) { tell(""); live(isSignedOut ? "You are signed in again." : "You are online again."); }
      if (isSignedOut) refresh(); // brings the new session's token, without which nothing is taken
      isSignedOut = false;
      presence.everybody(frame.people, id);
      if (document.hidden) tellView();
      const was = place;
      place = null;
      point(was);
    }
    if (frame.type === "heartbeat") presence.everybody(frame.people, id);
    if (frame.type === "presence") {
      const said = presence.note(frame.event, frame.person);
      if (said) live(said);
    }
    if (frame.version) refresh(frame.version);
    if (frame.release && String(frame.release) !== page.dataset.release) tellRelease(frame.release);
    listen();
  }

  function tellRelease(release) {
    page.dataset.release = release;
    const text = "The questions of this form have changed.", show = document.createElement("button");
    show.type = "button"; show.className = "button small"; show.textContent = "Show them";
    show.addEventListener("click", () => location.reload());
    tell(text, show, "news");
    live(`${text} A new release has been published.`);
  }

  function point(path) {
    if (path === place || !id) return;
    place = path;
    socket.send(JSON.stringify({ type: "focus", path }));
  }
  const pointSoon = (path) => { clearTimeout(pointed); pointed = setTimeout(point, 150, path); };
  page.addEventListener("focusin", (event) => pointSoon(event.target.closest(".field[data-path]")?.dataset.path ?? null));
  page.addEventListener("focusout", () => pointSoon(null));

  // What this page saves itself it need not be told.
  document.body.addEventListener("htmx:configRequest", (event) => { if (id) event.detail.headers["X-Socket-Id"] = id; });

  window.addEventListener("offline", () => { tellOffline(); const gone = socket; if (gone) { lose(0); gone.close(); } });
  window.addEventListener("online", () => { attempts = 0; connect(); });
  // Who has the page open and in view is at work here, also without a word.
  const tellView = () => { if (id) socket.send(JSON.stringify({ type: "view", visible: !document.hidden })); };
  document.addEventListener("visibilitychange", tellView);

  function comeBack() {
    if (document.hidden || socket) return;
    if (isSignedOut) isOver = false;
    connect();
  }
  document.addEventListener("visibilitychange", comeBack);
  window.addEventListener("focus", comeBack);
  window.addEventListener("pagehide", () => { clearTimeout(retry); const gone = socket; socket = null; id = ""; gone?.close(); });
  window.addEventListener("pageshow", (event) => { if (event.persisted) { refresh(); connect(); } });
  connect();
})();
