// The review page. It knows left and right, never a model. All text is put in as text.
const DEFECTS = ["hands", "text", "seam", "color", "other"];
const STATES = ["", "yes", "no", "unsure"];
const VIEWS = ["side", "flicker", "difference"];
const SIDES = ["left", "right"];
const LETTERS = "abcdefghijklm"; // further items are told by mouse; the other letters are commands
const MOST_ZOOM = 16;
const $ = (id) => document.getElementById(id);

const state = { who: "", pairs: [], at: -1, trail: [], view: "side", zoom: 1, x: 0, y: 0, shownAt: 0, keys: true };

// ---- what this browser keeps: a name, and answers that are not saved yet ----

const memory = new Map(); // where the browser keeps nothing
const stored = {
  read(name) {
    try { return localStorage.getItem(`imgassets-review:${name}`); } catch { return memory.get(name) ?? null; }
  },
  write(name, value) {
    try { localStorage.setItem(`imgassets-review:${name}`, value); } catch { memory.set(name, value); }
  },
};
const unsent = () => JSON.parse(stored.read("unsent") || "[]");
const keepUnsent = (list) => stored.write("unsent", JSON.stringify(list));

let sending = false;
let patience = 0;
let timer = 0;

function queue(answer) {
  keepUnsent([...unsent(), answer]);
  patience = 0;
  send();
}

async function send() {
  clearTimeout(timer);
  if (sending) return;
  sending = true;
  const strange = [];
  let wait = "";
  for (;;) {
    const next = unsent().find((answer) => !strange.includes(answer.id));
    if (!next) break;
    tellSaved(wait);
    const reply = await post(next);
    if (reply.ok) {
      keepUnsent(unsent().filter((answer) => answer.id !== next.id));
      patience = 0;
    } else if (reply.status === 404 || reply.status === 400) {
      strange.push(next.id); // of another deck, perhaps: kept, and tried again by the next page
    } else {
      wait = reply.why;
      break;
    }
  }
  sending = false;
  tellSaved(wait, strange.length);
  if (wait) timer = setTimeout(send, Math.min(8000, 500 * 2 ** patience++));
}

async function post(answer) {
  try {
    const reply = await fetch("answers", {
      method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify(answer), keepalive: true,
    });
    if (reply.ok) return { ok: true };
    const told = await reply.json().catch(() => ({}));
    return { ok: false, status: reply.status, why: told.error || `the server says ${reply.status}` };
  } catch {
    return { ok: false, status: 0, why: "the server does not answer" };
  }
}

function tellSaved(why, strange = 0) {
  const waiting = unsent().length - strange;
  const of = (n) => (n === 1 ? "1 answer" : `${n} answers`);
  let said = waiting ? `${of(waiting)} not saved yet` : "All saved";
  if (waiting && why) said += `: ${why}; trying again`;
  if (strange) said += `; ${of(strange)} on pairs that are not shown now, kept in this browser`;
  if ($("saved").textContent !== said) $("saved").textContent = said;
  $("saved").classList.toggle("waiting", Boolean(waiting && why) || strange > 0);
}

// ---- start ----

async function start() {
  state.keys = stored.read("keys") !== "off";
  $("keys-on").checked = state.keys;
  const asked = new URLSearchParams(location.search).get("who");
  const name = (asked || stored.read("who") || "").trim();
  if (name) await open(name);
  else askName();
}

function askName() {
  show("start");
  $("name").value = state.who;
  $("name").focus();
}

async function open(name) {
  let deck;
  try {
    const reply = await fetch(`deck?who=${encodeURIComponent(name)}`);
    deck = await reply.json().catch(() => ({}));
    if (!reply.ok) throw new Error(deck.error || `the server says ${reply.status}`);
  } catch (error) {
    complain(`The pairs cannot be loaded: ${error.message}. Is \`imgassets review\` running?`);
    setTimeout(() => open(name), 3000);
    return;
  }
  complain("");
  stored.write("who", name);
  Object.assign(state, { who: name, pairs: deck.pairs, at: -1, trail: [] });
  for (const pair of state.pairs) pair.said = draftOf(pair.answer);
  for (const answer of unsent()) {
    const pair = state.pairs.find((one) => one.id === answer.pair && answer.who === name);
    if (pair) pair.answer = pair.said = draftOf(answer);
  }
  $("endpoint").textContent = deck.endpoint;
  $("of").hidden = false;
  document.title = `Review of ${deck.endpoint}`;
  $("person").textContent = name;
  $("person").setAttribute("aria-label", `${name}: another person looks`);
  $("person").hidden = $("counts").hidden = false;
  send();
  goOn();
}

function draftOf(answer) {
  const copy = structuredClone(answer || {});
  return {
    preference: copy.preference ?? null,
    correct: { left: {}, right: {}, ...copy.correct },
    defects: { left: [], right: [], ...copy.defects },
    note: copy.note || "",
  };
}

function complain(text) {
  $("message").hidden = !text;
  $("message").textContent = text;
}

function show(section) {
  for (const id of ["start", "work", "done"]) $(id).hidden = id !== section;
}

// ---- from pair to pair ----

const pairNow = () => state.pairs[state.at];
const left = () => state.pairs.filter((pair) => !pair.answer).length;

function goOn() {
  const after = state.pairs.findIndex((pair, i) => i > state.at && !pair.answer);
  if (after >= 0) showPair(after);
  else finish();
}

function leave() {
  const pair = pairNow();
  if (!pair || $("work").hidden) return;
  pair.said.note = $("note").value.trim();
  if (!pair.chosen && !pair.answer) return;
  if (pair.answer && JSON.stringify(draftOf(pair.answer)) === JSON.stringify(draftOf(pair.said))) return;
  pair.answer = draftOf(pair.said);
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  queue({
    id: Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join(""),
    when: new Date().toISOString(),
    who: state.who,
    pair: pair.id,
    ...structuredClone(pair.said),
    seconds: Math.round((performance.now() - state.shownAt) / 10) / 100,
  });
}

function choose(choice) {
  const pair = pairNow();
  if (pair.alone !== (choice === "looked")) return;
  pair.said.preference = pair.alone ? null : choice;
  pair.chosen = true;
  leave();
  state.trail.push(state.at);
  const words = { left: "Left is better", right: "Right is better", equal: "Equal", looked: "Saved" };
  $("told").textContent = `Last pair: ${words[choice]}. Back changes it.`;
  goOn();
}

function skip() {
  leave();
  state.trail.push(state.at);
  if (state.at + 1 < state.pairs.length) showPair(state.at + 1);
  else finish();
}

function back() {
  leave();
  const before = state.trail.pop() ?? (state.at > 0 ? state.at - 1 : -1);
  if (before >= 0) showPair(before);
}

function finish() {
  state.at = state.pairs.length;
  show("done");
  tellProgress();
  const open = left();
  $("done-title").textContent = open ? `${open} of ${state.pairs.length} pairs are left` : "All pairs are answered";
  $("done-words").textContent = open
    ? "You skipped them. Answer them now, or come back later: this page goes on where you stopped."
    : "Thank you. Close this page when all is saved. `imgassets validate` then judges with what people said.";
  $("skipped").hidden = !open;
  $("done-title").focus();
}

function showPair(index) {
  state.at = index;
  show("work");
  const pair = pairNow();
  pair.chosen = false;
  $("prompt").textContent = pair.prompt;
  drawMust(pair);
  $("note").value = pair.said.note;
  for (const side of SIDES) loadImage(side, pair);
  for (const next of state.pairs.slice(index + 1, index + 3)) {
    for (const side of next.alone ? ["left"] : SIDES) new Image().src = address(next, side);
  }
  resetZoom();
  setView(state.view);
  drawSaid();
  tellProgress();
  state.shownAt = performance.now();
  if (!document.activeElement?.closest("#work")) $("prompt").focus({ preventScroll: true });
}

function drawMust(pair) {
  const parts = pair.made ? [make("span", `${pair.made}. `, "quiet")] : [];
  if (pair.items.length) parts.push(make("span", "Must show: ", "quiet"));
  pair.items.forEach((item, i) => parts.push(i ? ", " : "", make("b", item.words)));
  $("must").replaceChildren(...parts);
}

const address = (pair, side) => `image/${pair.id}/${side}?who=${encodeURIComponent(state.who)}`;

function loadImage(side, pair) {
  const image = $(side);
  const frame = $(`frame-${side}`);
  frame.hidden = $(`head-${side}`).hidden = $(`said-${side}`).hidden = pair.alone && side === "right";
  frame.classList.remove("gone");
  if (frame.hidden) image.removeAttribute("src");
  else image.src = address(pair, side);
}

function tellProgress() {
  const all = state.pairs.length;
  const done = all - left();
  $("progress").textContent = `${done} of ${all}`;
  $("meter").max = Math.max(1, all);
  $("meter").value = done;
}

// ---- what is said of the images ----

function drawSaid() {
  const pair = pairNow();
  for (const button of $("choose").querySelectorAll("button")) {
    const choice = button.dataset.choice;
    button.hidden = pair.alone !== (choice === "looked");
    button.setAttribute("aria-pressed", String(!pair.alone && pair.said.preference === choice));
  }
  $("choose").classList.toggle("alone", pair.alone);
  for (const side of SIDES) drawSide(side, pair);
}

function drawSide(side, pair) {
  const box = $(`said-${side}`);
  const focused = box.contains(document.activeElement) ? document.activeElement.dataset.of : "";
  const shift = side === "right" ? "\u21e7" : "";
  const parts = [];
  if (pair.items.length) parts.push(make("h2", "Shows what was asked?"));
  pair.items.forEach((item, i) => {
    const said = pair.said.correct[side][item.id] || "";
    const key = LETTERS[i] ? make("kbd", shift + LETTERS[i]) : "";
    const button = make("button", "", key, make("span", item.words, "words"), make("span", said || "?", "state"));
    button.setAttribute("aria-label", `${item.words}, ${side}: ${said || "not said"}`);
    button.dataset.state = said;
    button.dataset.of = `item ${i}`;
    button.addEventListener("click", () => cycle(side, i));
    parts.push(button);
  });
  parts.push(make("h2", "Defects"));
  DEFECTS.forEach((defect, i) => {
    const button = make("button", "", make("kbd", shift + (i + 4)), make("span", defect, "words"));
    button.className = "defect";
    button.setAttribute("aria-label", `${defect}, ${side}`);
    button.setAttribute("aria-pressed", String(pair.said.defects[side].includes(defect)));
    button.dataset.of = `defect ${i}`;
    button.addEventListener("click", () => toggle(side, i));
    parts.push(button);
  });
  box.replaceChildren(...parts);
  if (focused) box.querySelector(`[data-of="${focused}"]`)?.focus({ preventScroll: true });
}

function make(tag, text, ...rest) {
  const element = document.createElement(tag);
  if (tag === "button") element.type = "button";
  if (tag === "span" && typeof rest[0] === "string") element.className = rest.shift();
  element.append(text, ...rest);
  return element;
}

function cycle(side, i) {
  const { items, said } = pairNow();
  if (!items[i]) return;
  const now = said.correct[side][items[i].id] || "";
  const then = STATES[(STATES.indexOf(now) + 1) % STATES.length];
  if (then) said.correct[side][items[i].id] = then;
  else delete said.correct[side][items[i].id];
  drawSaid();
}

function toggle(side, i) {
  const { said } = pairNow();
  const there = said.defects[side];
  said.defects[side] = DEFECTS.filter((defect, j) => (i === j) !== there.includes(defect));
  drawSaid();
}

function allShown() {
  const pair = pairNow();
  for (const side of pair.alone ? ["left"] : SIDES) {
    for (const item of pair.items) pair.said.correct[side][item.id] = "yes";
  }
  drawSaid();
}

// ---- views, zoom, moving ----

function setView(view) {
  const alone = pairNow()?.alone;
  if (!alone) state.view = view;
  $("views").hidden = alone;
  const shown = alone ? "side" : view;
  $("stage").dataset.view = shown;
  $("stage").classList.toggle("one", alone || shown !== "side");
  $("heads").classList.toggle("one", alone || shown !== "side");
  for (const button of document.querySelectorAll("button[data-view]")) {
    button.setAttribute("aria-pressed", String(button.dataset.view === shown));
  }
  swap("left");
}

function swap(to) {
  const { view } = $("stage").dataset;
  const shows = to || ($("stage").dataset.shows === "left" ? "right" : "left");
  $("stage").dataset.shows = shows;
  const alone = pairNow().alone;
  $("head-left").textContent = alone ? "" : view === "difference" ? "Difference, four times as strong: black where both are the same"
    : view === "flicker" ? `${shows === "left" ? "Left" : "Right"} (Space or a tap shows the other)` : "Left";
  $("head-right").hidden = alone || view !== "side";
}

function setZoom(zoom, x = state.x, y = state.y) {
  state.zoom = Math.min(MOST_ZOOM, Math.max(1, zoom));
  const room = 50 * (state.zoom - 1); // percent of the frame that is out of sight on each side
  state.x = Math.min(room, Math.max(-room, x));
  state.y = Math.min(room, Math.max(-room, y));
  const style = $("stage").style;
  style.setProperty("--zoom", state.zoom);
  style.setProperty("--x", state.x);
  style.setProperty("--y", state.y);
  $("stage").classList.toggle("zoomed", state.zoom > 1);
  $("scale").textContent = state.zoom.toFixed(1).replace(".0", "");
}

const resetZoom = () => setZoom(1, 0, 0);
// Whatever is in the middle stays there.
const zoomBy = (factor) => {
  const zoom = Math.min(MOST_ZOOM, Math.max(1, state.zoom * factor));
  setZoom(zoom, (state.x * zoom) / state.zoom, (state.y * zoom) / state.zoom);
};

const fingers = new Map();
let moved = false;

function down(event) {
  fingers.set(event.pointerId, [event.clientX, event.clientY]);
  moved = fingers.size > 1;
  event.currentTarget.setPointerCapture(event.pointerId); // so that its end is told here, wherever it is
}

function move(event) {
  const before = fingers.get(event.pointerId);
  if (!before) return;
  const frame = event.currentTarget.getBoundingClientRect();
  const now = [event.clientX, event.clientY];
  const other = [...fingers].find(([id]) => id !== event.pointerId)?.[1];
  if (Math.hypot(now[0] - before[0], now[1] - before[1]) < 3 && !moved) return;
  moved = true;
  if (other) {
    zoomBy(Math.hypot(now[0] - other[0], now[1] - other[1]) / Math.max(1, Math.hypot(before[0] - other[0], before[1] - other[1])));
  } else if (state.zoom > 1) {
    setZoom(state.zoom, state.x + (100 * (now[0] - before[0])) / frame.width, state.y + (100 * (now[1] - before[1])) / frame.height);
  }
  fingers.set(event.pointerId, now);
}

function up(event) {
  const tapped = fingers.delete(event.pointerId) && !moved && event.type === "pointerup";
  if (tapped && $("stage").dataset.view === "flicker") swap();
}

// ---- keys ----

const ARROWS = { ArrowLeft: [10, 0], ArrowRight: [-10, 0], ArrowUp: [0, 10], ArrowDown: [0, -10] };
const COMMANDS = {
  u: back, s: skip, v: () => setView(VIEWS[(VIEWS.indexOf(state.view) + 1) % VIEWS.length]), y: allShown,
  n: () => $("note").focus(), z: () => (state.zoom < 4 ? zoomBy(2) : resetZoom()),
  "+": () => zoomBy(1.5), "=": () => zoomBy(1.5), "-": () => zoomBy(1 / 1.5), "0": resetZoom,
};

function pressed(event) {
  const typing = event.target.closest?.("textarea, input:not([type=checkbox])");
  if (typing && event.key === "Escape") typing.blur();
  if (event.ctrlKey || event.metaKey || event.altKey || typing || $("keys").open || !state.keys) return;
  if (event.key === "?") $("keys").showModal();
  else if (!$("done").hidden && event.key === "u") back();
  else if ($("work").hidden || !obeyed(event)) return;
  event.preventDefault();
}

function obeyed(event) {
  const digit = /^(?:Digit|Numpad)([1-8])$/.exec(event.code)?.[1];
  const side = event.shiftKey ? "right" : "left";
  const letter = LETTERS.indexOf(event.key.toLowerCase());
  const alone = pairNow().alone;
  if (digit > 3) side === "right" && alone ? null : toggle(side, digit - 4);
  else if (digit && !event.shiftKey) choose(alone && digit === "1" ? "looked" : ["left", "equal", "right"][digit - 1]);
  else if (ARROWS[event.key] && state.zoom > 1) setZoom(state.zoom, state.x + ARROWS[event.key][0], state.y + ARROWS[event.key][1]);
  else if (event.key === " " && event.target.tagName !== "BUTTON") swap();
  else if (event.key.length === 1 && letter >= 0) side === "right" && alone ? null : cycle(side, letter);
  else if (COMMANDS[event.key]) COMMANDS[event.key]();
  else return false;
  return true;
}

// ---- wiring ----

document.addEventListener("keydown", pressed);
window.addEventListener("online", send);
window.addEventListener("pagehide", leave);
$("named").addEventListener("submit", (event) => {
  event.preventDefault();
  const name = $("name").value.trim();
  if (name) open(name);
});
$("person").addEventListener("click", () => { leave(); askName(); });
$("help").addEventListener("click", () => $("keys").showModal());
$("keys-on").addEventListener("change", (event) => {
  state.keys = event.target.checked;
  stored.write("keys", state.keys ? "on" : "off");
});
for (const button of $("choose").querySelectorAll("button")) button.addEventListener("click", () => choose(button.dataset.choice));
for (const button of document.querySelectorAll("button[data-view]")) button.addEventListener("click", () => setView(button.dataset.view));
for (const [id, action] of [["back", back], ["next", skip], ["again", back], ["in", () => zoomBy(1.5)], ["out", () => zoomBy(1 / 1.5)], ["reset", resetZoom]]) {
  $(id).addEventListener("click", action);
}
$("skipped").addEventListener("click", () => { state.at = -1; goOn(); });
for (const side of SIDES) {
  const frame = $(`frame-${side}`);
  frame.addEventListener("pointerdown", down);
  frame.addEventListener("pointermove", move);
  for (const end of ["pointerup", "pointercancel"]) frame.addEventListener(end, up);
  frame.addEventListener("dblclick", () => (state.zoom > 1 ? resetZoom() : zoomBy(3)));
  frame.addEventListener("wheel", (event) => {
    if (!event.ctrlKey && state.zoom === 1) return; // the page scrolls
    event.preventDefault();
    zoomBy(Math.exp(-event.deltaY / 300));
  }, { passive: false });
  $(side).addEventListener("error", () => frame.classList.add("gone"));
  $(side).addEventListener("load", () => $(side).classList.toggle("pixelated", Math.max($(side).naturalWidth, $(side).naturalHeight) <= 128));
}
start();
