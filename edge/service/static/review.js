// Review by keyboard: the answer is sent while the next question is on the screen already, its picture loaded before.

import { ask, byId, make, say, showDue } from "./api.js";

const AHEAD = 20;
const POLL_MS = 3000;
const page = byId("review");
const only = page.dataset.only;
const problem = byId("problem");
const typed = byId("typed");
const TITLES = { date: "Date", check_number: "Check number" };

let queue = [];
let current = null;
let before = null; // everything from this id on is in the queue, answered or put off
let highest = 0;
let isAsking = false;
let nDue = 0;
let nSent = 0; // answers sent, and how many of them came back: a count asked for between the two may be of before or after
let nBack = 0;
const answered = [];

const strip = (record, name) => `/api/v1/records/${record.id}/fields/${name}/picture`;
const whole = (record) => `/api/v1/records/${record.id}/picture`;
const pictureOf = (record) => (!record.has_picture ? "" : record.check.fields.amount?.box ? strip(record, "amount") : whole(record));

function load(record) {
  const picture = new Image();
  picture.src = pictureOf(record);
  return picture;
}

async function fill() {
  if (isAsking) return;
  isAsking = true;
  try {
    if (only) {
      if (!highest) queue.push(await ask("GET", `/api/v1/records/${only}`));
      highest = Number(only);
    } else {
      const nSentBefore = nSent;
      const isCalm = nSent === nBack;
      const found = await ask("GET", `/api/v1/review?limit=${AHEAD}${before ? `&before=${before}` : ""}`);
      const known = new Set([...queue, ...answered, ...(current ? [current] : [])].map((record) => record.id));
      const fresh = found.records.filter((record) => before || record.id > highest).filter((record) => !known.has(record.id));
      queue.push(...fresh);
      highest = Math.max(highest, ...fresh.map((record) => record.id));
      before = found.records.length === AHEAD ? found.records.at(-1).id : null;
      if (isCalm && nSent === nSentBefore) nDue = found.n_due;
      showDue(nDue);
    }
    for (const record of queue.slice(0, 3)) record.picture ??= load(record);
  } catch (error) {
    say(problem, error.message);
  } finally {
    isAsking = false;
  }
}

async function next() {
  current = null;
  if (!queue.length) await fill();
  const record = queue.shift();
  byId("question").hidden = !record;
  byId("done").hidden = Boolean(record);
  if (!record) {
    byId("left").textContent = "";
    if (only) location.href = `/records/${only}`;
    else setTimeout(() => current || next(), POLL_MS);
    return;
  }
  show(record);
  if (queue.length < AHEAD / 2 && (before || !only)) fill();
  for (const later of queue.slice(0, 3)) later.picture ??= load(later);
}

function show(record) {
  current = record;
  const reading = record.check.fields.amount;
  byId("strip").src = pictureOf(record);
  byId("strip").parentElement.hidden = !record.has_picture;
  byId("whole").href = `/records/${record.id}`;
  byId("reason").textContent = record.is_audit_due
    ? "A spot check: this one was accepted, and chance picked it to be looked at."
    : reading ? sentence(reading.reason) : "No amount was found; the picture shows the whole check.";
  const options = [];
  if (reading?.text) options.push({ text: reading.text, confidence: reading.confidence });
  for (const other of reading?.alternatives ?? []) if (!options.some((option) => option.text === other.text)) options.push(other);
  byId("choices").replaceChildren(...options.slice(0, 4).map((option, index) => {
    const share = make("span", { class: "share" }, option.confidence < 0.001 ? "< 0.1 %" : `${(100 * option.confidence).toFixed(1)} %`);
    const button = make("button", { type: "button", class: "choice", "aria-pressed": "false" }, make("kbd", { "aria-hidden": "true" }, String(index + 1)), option.text, share);
    button.dataset.text = option.text;
    button.addEventListener("click", () => choose(index));
    return button;
  }));
  byId("typed-title").textContent = options.length ? "Or type it" : "Type it";
  byId("others").replaceChildren(...Object.keys(TITLES).flatMap((name) => other(record, name)));
  typed.value = record.truth.amount?.text ?? options[0]?.text ?? "";
  mark();
  byId("back").disabled = !answered.length;
  byId("left").textContent = only ? "" : nDue > 1 ? `${nDue} waiting` : "the last one";
  byId("question").setAttribute("tabindex", "-1");
  byId("question").focus({ preventScroll: true });
}

function sentence(reason) {
  if (!reason) return "";
  if (reason === "empty") return "Nothing seems to be written there.";
  return `Why it asks: ${reason}.`;
}

function other(record, name) {
  const reading = record.check.fields[name];
  if (!reading || (reading.verdict === "accepted" && !only)) return [];
  const input = make("input", { id: `other-${name}`, maxlength: "60", enterkeyhint: "done" });
  input.dataset.name = name;
  input.defaultValue = record.truth[name]?.text ?? reading.text ?? "";
  const label = make("label", { for: input.id }, TITLES[name]);
  const parts = [label, input];
  if (record.has_picture && reading.box) parts.splice(1, 0, make("div", { class: "strip" }, make("img", { src: strip(record, name), alt: `${TITLES[name]} as it stands on the check` })));
  return [make("div", { class: "field" }, ...parts)];
}

function choose(index) {
  const button = byId("choices").children[index];
  if (!button) return;
  typed.value = button.dataset.text;
  mark();
}

function mark() {
  for (const button of byId("choices").children) button.setAttribute("aria-pressed", String(button.dataset.text === typed.value.trim()));
}

function answer(send) {
  const record = current;
  if (!record) return;
  say(problem, "");
  answered.push(record);
  nDue -= record.is_review_due ? 1 : 0;
  showDue(Math.max(0, nDue));
  nSent += 1;
  send(record).then(() => { record.is_review_due = false; }).catch((error) => {
    answered.splice(answered.indexOf(record), 1);
    if (record.is_review_due) nDue += 1;
    if (current) queue.unshift(current);
    byId("question").hidden = false;
    byId("done").hidden = true;
    show(record);
    say(problem, error.message);
  }).finally(() => {
    nBack += 1;
    if (only) finishOnly();
  });
  if (!only) next();
}

function finishOnly() {
  if (problem.hidden) location.href = `/records/${only}`;
}

function confirmAnswer() {
  const texts = { amount: typed.value.trim() || null };
  for (const input of byId("others").querySelectorAll("input")) {
    if (input.value !== input.defaultValue) texts[input.dataset.name] = input.value.trim() || null;
  }
  if (!texts.amount) {
    say(problem, "Type the amount, or say that there is none (N).");
    return;
  }
  answer((record) => ask("POST", `/api/v1/records/${record.id}/correction`, { texts }));
}

function back() {
  const record = answered.pop();
  if (!record) return;
  if (current) queue.unshift(current);
  byId("question").hidden = false;
  byId("done").hidden = true;
  show(record);
}

function later() {
  if (only) location.href = `/records/${only}`;
  else next();
}

const reject = () => answer((record) => ask("POST", `/api/v1/records/${record.id}/rejection`));
const nothing = () => answer((record) => ask("POST", `/api/v1/records/${record.id}/correction`, { texts: { amount: null } }));
const KEYS = { e: () => typed.select(), n: nothing, x: reject, s: later, b: back };

document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || !current) return;
  const at = event.target;
  if (at.matches("input")) {
    if (event.key === "Escape") byId("question").focus({ preventScroll: true });
    return;
  }
  if (event.key === "Enter" && (!at.matches("a, button") || at.matches(".choice"))) {
    if (at.matches(".choice")) choose([...byId("choices").children].indexOf(at));
    event.preventDefault();
    confirmAnswer();
  } else if (/^[1-4]$/.test(event.key)) {
    choose(Number(event.key) - 1);
  } else if (KEYS[event.key.toLowerCase()]) {
    event.preventDefault();
    KEYS[event.key.toLowerCase()]();
  }
});
typed.addEventListener("input", mark);
byId("answer").addEventListener("submit", (event) => {
  event.preventDefault();
  confirmAnswer();
});
byId("nothing").addEventListener("click", nothing);
byId("reject").addEventListener("click", reject);
byId("skip").addEventListener("click", later);
byId("back").addEventListener("click", back);
next();
