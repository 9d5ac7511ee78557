// One record: refuse it, or delete it after a second press.

import { ask, byId, say } from "./api.js";

const SURE_MS = 4000;
const path = `/api/v1/records/${byId("actions").dataset.id}`;
const deletion = byId("delete");
let isSure = false;

async function act(method, where, then) {
  try {
    await ask(method, where);
    location.href = then;
  } catch (error) {
    say(byId("problem"), error.message);
  }
}

byId("reject")?.addEventListener("click", () => act("POST", `${path}/rejection`, location.pathname));
deletion.addEventListener("click", () => {
  if (isSure) {
    act("DELETE", path, "/records");
    return;
  }
  isSure = true;
  deletion.textContent = "Really delete?";
  setTimeout(() => {
    isSure = false;
    deletion.textContent = "Delete";
  }, SURE_MS);
});
