// The live page.  Everything that comes from outside is put in as text, never as markup.

const $ = (id) => document.getElementById(id);
const LINES = 30; // of the timeline
const FINDABLE_WITHIN = 30_000; // ms to look for a new item
const SLIDE = 250; // ms
const SETTLED = [1500, 3000, 6000, 12_000, 24_000]; // ms between looks for a profile that has changed
const FIRST = 300; // ms until a first slate is asked for: one that is there comes sooner

const state = { user: "", slate: null, stream: null, started: new Map(), shown: new Map(), waiting: null };

// -- the gateway

function headers(more = {}) {
  const key = sessionStorage.getItem("key");
  return key ? { Authorization: `Bearer ${key}`, ...more } : more;
}

async function call(path, options = {}) {
  const answer = await fetch(path, { ...options, headers: headers(options.headers) });
  if (answer.status === 401) $("door").hidden = false;
  return answer;
}

async function send(path, body) {
  return call(path, {
    method: "POST",
    headers: { "Content-Type": "application/json", "Idempotency-Key": crypto.randomUUID() },
    body: JSON.stringify(body),
  });
}

async function problem(answer) {
  const said = await answer.json().catch(() => ({}));
  return [said.title, said.detail].filter(Boolean).join(": ") || `status ${answer.status}`;
}

const of = (user) => encodeURIComponent(user);

// -- the stream of slates: server-sent events read by hand, because EventSource sends no headers

async function follow(user) {
  state.stream?.abort();
  const stream = (state.stream = new AbortController());
  let last = "";
  for (let pause = 500; !stream.signal.aborted; pause = Math.min(pause * 2, 10_000)) {
    try {
      const answer = await call(`/slates/${of(user)}/stream`, {
        signal: stream.signal,
        headers: last ? { "Last-Event-ID": last } : {},
      });
      if (!answer.ok) throw new Error(await problem(answer));
      say("live");
      pause = 500;
      for await (const event of events(answer.body)) {
        last = event.id || last;
        if (event.event === "slate") show(JSON.parse(event.data));
        if (event.event === "forgotten") forget();
      }
    } catch (error) {
      if (stream.signal.aborted) return;
      say(`not connected: ${error.message}; trying again`);
    }
    await new Promise((done) => setTimeout(done, pause));
  }
}

async function* events(body) {
  let text = "";
  for await (const part of chunks(body)) {
    text += part.replaceAll("\r", "");
    for (let end; (end = text.indexOf("\n\n")) >= 0; text = text.slice(end + 2)) {
      const event = {};
      for (const line of text.slice(0, end).split("\n")) {
        const at = line.indexOf(":");
        if (at > 0) event[line.slice(0, at)] = line.slice(at + 1).trimStart();
      }
      if (event.event) yield event;
    }
  }
}

async function* chunks(body) {
  const reader = body.pipeThrough(new TextDecoderStream()).getReader();
  for (let part; !(part = await reader.read()).done; ) yield part.value;
}

// -- what is shown

function say(text) {
  $("state").textContent = text;
}

function element(name, text, className = "") {
  const made = document.createElement(name);
  made.textContent = text;
  if (className) made.className = className;
  return made;
}

function show(slate) {
  const before = state.slate;
  if (before && slate.slate_id === before.slate_id && slate.revision < before.revision) return;
  state.slate = slate;
  for (const id of answered(slate)) if (!state.shown.has(id)) state.shown.set(id, performance.now());
  const words = slate.revision > 1 ? `revision ${slate.revision}, ranked by the ${slate.ranked_by}` : `ranked by the ${slate.ranked_by}`;
  $("about").textContent = slate.items.length
    ? `${slate.strategy}, after ${slate.trigger.kind}; ${words}` + (slate.versions.model ? ` (${slate.versions.model})` : "")
    : `Empty: ${slate.note}`;
  $("degraded").replaceChildren(...slate.degraded.map((line) => element("li", `Degraded: ${line}`)));
  arrange(slate, before);
  timing(slate);
  if (slate.items.length) $("said").textContent = `New feed; first is ${slate.items[0].title || slate.items[0].item_id}`;
  if (!before || before.slate_id !== slate.slate_id) seen(slate).then(known);
  for (const item of slate.items) appeared(item);
}

function arrange(slate, before) {
  const feed = $("feed");
  const old = new Map([...feed.children].map((card) => [card.dataset.item, card]));
  const tops = new Map([...old].map(([id, card]) => [id, card.getBoundingClientRect().top]));
  const cards = slate.items.map((item) => fill(old.get(item.item_id) ?? blank(item), item, before));
  const focused = document.activeElement;
  feed.replaceChildren(...cards);
  if (focused && feed.contains(focused)) focused.focus({ preventScroll: true });
  if (matchMedia("(prefers-reduced-motion: reduce)").matches) return;
  for (const card of cards) {
    const top = tops.get(card.dataset.item);
    const moved = top === undefined ? 24 : top - card.getBoundingClientRect().top;
    if (moved) card.animate([{ transform: `translateY(${moved}px)` }, { transform: "none" }], { duration: SLIDE, easing: "ease-out" });
  }
}

function blank(item) {
  const card = $("card").content.firstElementChild.cloneNode(true);
  card.dataset.item = item.item_id;
  for (const button of card.querySelectorAll("[data-action]")) {
    button.addEventListener("click", () => act(item.item_id, button.dataset.action, card));
  }
  card.querySelector("details").addEventListener("toggle", () => unfold(card));
  return card;
}

function fill(card, item, before) {
  const title = item.title || item.item_id;
  const was = before?.items.findIndex((other) => other.item_id === item.item_id) ?? -1;
  card.classList.toggle("new", Boolean(before) && was < 0);
  card.querySelector("h3").textContent = title;
  card.querySelector(".place").textContent = `${item.rank + 1}` + (was > item.rank ? ` ▲ ${was - item.rank}` : was >= 0 && was < item.rank ? ` ▼ ${item.rank - was}` : "");
  card.querySelector(".facts").textContent = "found by " + Object.keys(item.sources).join(", ");
  card.querySelector(".why").textContent = item.reasons.map((reason) => reason.text).join(". ");
  for (const button of card.querySelectorAll("[data-action]")) {
    button.setAttribute("aria-label", `${button.textContent}: ${title}`);
  }
  card.item = item;
  unfold(card);
  return card;
}

// Only what is unfolded: most evidence is never looked at, and each new feed would make all of it.
function unfold(card) {
  const open = card.querySelector("details").open;
  card.querySelector(".evidence").replaceChildren(...(open ? evidence(card.item) : []));
}

function evidence(item) {
  const lists = item.reasons.map((reason) => [
    element("p", reason.text),
    facts({ kind: reason.kind, ...reason.evidence }),
  ]);
  return [...lists.flat(), element("p", "Scores"), facts({ score: item.score, ...item.sources })];
}

function facts(object) {
  const list = document.createElement("dl");
  for (const [name, value] of Object.entries(object)) {
    list.append(element("dt", name), element("dd", plain(value)));
  }
  return list;
}

function plain(value) {
  if (typeof value === "number") return String(Math.round(value * 1000) / 1000);
  if (Array.isArray(value)) return value.map(plain).join(", ");
  return typeof value === "object" && value ? Object.entries(value).map(([k, v]) => `${k} ${plain(v)}`).join(", ") : String(value);
}

function happened(text, detail = "") {
  const line = document.createElement("li");
  line.append(element("b", text), document.createTextNode(detail ? ` ${detail}` : ""));
  $("timeline").prepend(line);
  while ($("timeline").children.length > LINES) $("timeline").lastElementChild.remove();
  return line;
}

const answered = (slate) => [slate.trigger.id, ...(slate.supersedes ?? [])];

function timing(slate) {
  const inside = Math.max(slate.produced_at - slate.trigger.received_at, 0) * 1000;
  for (const id of answered(slate)) {
    const begun = state.started.get(id);
    if (!begun) continue;
    const whole = (slate.revision > 1 ? performance.now() : state.shown.get(id)) - begun.at;
    const what = slate.revision > 1 ? `revision ${slate.revision}` : "new feed";
    begun.line.append(` → ${what} after ${whole.toFixed(0)} ms (${inside.toFixed(1)} ms inside)`);
    window.dispatchEvent(new CustomEvent("headwater:slate", { detail: { ms: whole, revision: slate.revision } }));
  }
  const degraded = slate.degraded.filter(() => slate.revision > 1);
  for (const line of degraded) happened("Skipped", line);
}

// -- what the user does

async function act(item, action, card) {
  const at = performance.now();
  const before = $("known").textContent;
  const title = card.querySelector("h3").textContent;
  const line = happened(`${action}: ${title}`);
  const event = { kind: "interaction", user_id: state.user, item_id: item, action };
  if (state.slate) event.slate_id = state.slate.slate_id;
  const answer = await send("/events", event);
  if (!answer.ok) return line.append(` — not sent: ${await problem(answer)}`);
  const [id] = (await answer.json()).ids;
  state.started.set(id, { at, line });
  if (state.slate && answered(state.slate).includes(id)) timing(state.slate); // it was faster
  learned(before);
}

// A profile comes to its topic after the slate: look, ever later, until it says something else.
async function learned(before) {
  const user = state.user;
  for (const pause of SETTLED) {
    if (user !== state.user || $("known").textContent !== before) return;
    await new Promise((done) => setTimeout(done, pause));
    await known();
  }
}

async function seen(slate) {
  if (!slate.items.length) return;
  await send("/events", {
    kind: "impression",
    user_id: slate.user_id,
    slate_id: slate.slate_id,
    item_ids: slate.items.map((item) => item.item_id),
  });
}

async function known() {
  const user = state.user;
  const answer = await call(`/users/${of(user)}/profile`);
  if (user !== state.user || !answer.ok) return;
  const words = (await answer.json()).words;
  $("known").replaceChildren(...words.map((text) => element("li", text)));
}

function forget() {
  state.slate = null;
  $("feed").replaceChildren();
  $("about").textContent = "The user was forgotten.";
  $("known").replaceChildren();
}

async function choose(user) {
  state.user = user;
  state.slate = null;
  state.started.clear();
  state.shown.clear();
  $("user").value = user;
  $("feed").replaceChildren();
  $("timeline").replaceChildren();
  $("about").textContent = "Asking for a first slate …";
  history.replaceState(null, "", `#${of(user)}`);
  $("known").replaceChildren(element("li", "Nothing is known yet."));
  follow(user);
  await new Promise((done) => setTimeout(done, FIRST));
  if (state.user === user && !state.slate) send("/slates", { user_id: user });
}

async function search(words) {
  const found = $("found");
  found.replaceChildren(element("li", "Searching …"));
  let answer = await call(`/search?n=5&q=${of(words)}`);
  for (let tries = 0; answer.status === 503 && tries < 10; tries++) {
    await new Promise((done) => setTimeout(done, 1000 * Number(answer.headers.get("Retry-After") ?? 1)));
    answer = await call(`/search?n=5&q=${of(words)}`);
  }
  if (!answer.ok) return found.replaceChildren(element("li", await problem(answer)));
  const items = (await answer.json()).items;
  found.replaceChildren(
    ...(items.length ? items : [{ title: "Nothing found", similarity: 0 }]).map((item) => {
      const line = document.createElement("li");
      line.append(element("b", item.title), ` ${item.similarity.toFixed(2)}`);
      return line;
    }),
  );
}

// -- a new item: when can it be found, where does it first appear

async function announce() {
  const id = `page-${Date.now().toString(36)}`;
  const subjects = $("subjects").value.split(",").map((word) => word.trim()).filter(Boolean);
  const item = { item_id: id, title: $("title").value, description: $("text").value, published_at: Date.now() / 1000 };
  if (subjects.length) item.attributes = { subjects };
  const at = performance.now();
  const answer = await send("/items", item);
  if (!answer.ok) return ($("added").textContent = `Not announced: ${await problem(answer)}`);
  $("added").textContent = "Announced; not findable yet …";
  state.waiting = { id, at, title: item.title };
  while (performance.now() - at < FINDABLE_WITHIN) {
    const found = await call(`/items/${of(id)}/similar?n=1`);
    if (found.ok) {
      $("added").textContent = `Findable after ${(performance.now() - at).toFixed(0)} ms; not on a slate yet.`;
      return void send("/slates", { user_id: state.user });
    }
    await new Promise((done) => setTimeout(done, 25));
  }
  $("added").textContent = "Not findable after 30 s: is a worker with the role cataloguing running?";
}

function appeared(item) {
  if (!state.waiting || item.item_id !== state.waiting.id) return;
  const after = performance.now() - state.waiting.at;
  $("added").textContent += ` First on a slate after ${after.toFixed(0)} ms, at place ${item.rank + 1}.`;
  state.waiting = null;
}

// -- begin

function on(id, does) {
  $(id).addEventListener("submit", (event) => (event.preventDefault(), does()));
}
on("who", () => choose($("user").value.trim() || "ann"));
on("search", () => search($("q").value));
on("add", announce);
on("door", () => {
  sessionStorage.setItem("key", $("key").value.trim());
  $("door").hidden = true;
  choose(state.user);
});
$("invent").addEventListener("click", () => choose(`guest-${Math.floor(Math.random() * 1e6)}`));
choose(decodeURIComponent(location.hash.slice(1)) || "ann");
