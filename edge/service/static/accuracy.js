// Accuracy: adjust to this place, or go back; what holds then is shown anew.

import { ask, byId, say } from "./api.js";

async function change(path) {
  try {
    await ask("POST", path);
    location.reload();
  } catch (error) {
    say(byId("problem"), error.message);
  }
}

byId("apply").addEventListener("click", () => change("/api/v1/calibration"));
byId("restore").addEventListener("click", () => change("/api/v1/calibration/restoration"));
