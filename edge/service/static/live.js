// The live page: state, picture and new records as the daemon tells of them.

import { byId, say, showDue } from "./api.js";

const MOST_ROWS = 8;
const AGAIN_MS = 2000;
const picture = byId("picture");
let isBlind = false; // the camera is at fault
let isBroken = false; // the picture's connection is

function showState(state) {
  byId("now").dataset.tone = state.tone;
  byId("title").textContent = state.title;
  byId("advice").textContent = state.advice;
  say(byId("problem"), state.problem ? `The store: ${state.problem}` : "");
  isBlind = Boolean(state.fault);
  showPicture();
  showDue(state.n_review_due);
}

async function showRecords() {
  const answer = await fetch("/?part=records");
  if (!answer.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  const seen = new Set([...document.querySelectorAll("#records a")].map((row) => row.getAttribute("href")));
  for (const id of ["records", "sums"]) byId(id).replaceChildren(...fresh.getElementById(id).childNodes);
  byId("no-records").hidden = fresh.getElementById("no-records").hidden;
  for (const row of document.querySelectorAll("#records a")) if (!seen.has(row.getAttribute("href"))) row.classList.add("new");
}

function listen() {
  const events = new EventSource("/api/v1/events");
  events.addEventListener("state", (event) => showState(JSON.parse(event.data)));
  events.addEventListener("record", showRecords);
  events.addEventListener("error", () => {
    showState({ tone: "bad", title: "No connection", advice: "The device does not answer; trying again.", n_review_due: 0, fault: "gone" });
    if (events.readyState === EventSource.CLOSED) setTimeout(listen, AGAIN_MS);
  });
}

function reload() {
  picture.src = `/api/v1/live.mjpeg?again=${Date.now()}`;
}

function showPicture() {
  picture.hidden = isBlind || isBroken;
  byId("no-picture").hidden = !picture.hidden;
}

picture.addEventListener("error", () => {
  if (document.hidden) return;
  isBroken = true;
  showPicture();
  setTimeout(reload, AGAIN_MS);
});
picture.addEventListener("load", () => {
  isBroken = false;
  showPicture();
});
if (picture.complete && !picture.naturalWidth) picture.dispatchEvent(new Event("error"));
// A page that nobody looks at needs no pictures.
document.addEventListener("visibilitychange", () => {
  if (document.hidden) picture.removeAttribute("src");
  else reload();
});
listen();
