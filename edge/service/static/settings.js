// Settings: only what was changed is sent, and a refusal stands beside the value that it is about.

import { ask, byId, say } from "./api.js";

const form = byId("settings");
const said = byId("said");
const entries = [...form.querySelectorAll("input, select")];
const known = new Map(entries.map((entry) => [entry.name, entry.value]));

function valueOf(entry) {
  const text = entry.value.trim();
  if (entry.dataset.kind === "text") return text;
  if (text === "") return null;
  const number = Number(text.replace(",", "."));
  return Number.isNaN(number) ? text : entry.dataset.kind === "percent" ? Number((number / 100).toPrecision(12)) : number;
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  const changed = entries.filter((entry) => entry.value !== known.get(entry.name));
  for (const entry of entries) {
    entry.removeAttribute("aria-invalid");
    byId(`${entry.id}-why`).textContent = "";
  }
  if (!changed.length) {
    said.className = "note";
    say(said, "Nothing was changed.");
    return;
  }
  try {
    await ask("PATCH", "/api/v1/settings", { settings: Object.fromEntries(changed.map((entry) => [entry.name, valueOf(entry)])) });
    for (const entry of changed) known.set(entry.name, entry.value);
    said.className = "note good";
    say(said, "Saved. It holds from the next frame on.");
  } catch (error) {
    said.className = "note bad";
    say(said, "Nothing was saved: one value is not allowed.");
    const guilty = changed.find((entry) => error.message.includes(entry.name));
    if (!guilty) {
      say(said, error.message);
      return;
    }
    guilty.setAttribute("aria-invalid", "true");
    byId(`${guilty.id}-why`).textContent = error.message.replace(guilty.name, "This");
    guilty.focus();
  }
});
