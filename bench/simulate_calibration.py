"""Does `checkreader calibrate` bring a stream back inside its budget of 1 %? Simulated, since the truth has to be known.

A reader claims confidences; what is right follows the same logits divided by a temperature (above 1: it claims too much). People look at
the first so many readings that it was unsure of; what comes after is judged with the new temperature and threshold.
"""

import numpy as np

from edge.service.calibrate import fit
from edge.service.record import Evidence

BUDGET, ACCEPT, N_SITES = 0.01, 0.98, 100


def stream(n: int, chance: np.random.Generator, temperature: float) -> tuple[np.ndarray, np.ndarray]:
    logits = chance.normal(5.0, 2.5, n)
    return 1 / (1 + np.exp(-logits)), chance.random(n) < 1 / (1 + np.exp(-logits / temperature))


def simulate(n_reviewed: int, temperature: float) -> str:
    chance = np.random.default_rng(11)
    before, after, accepted_before, accepted_after = [], [], [], []
    for _ in range(N_SITES):
        said, is_right = stream(2000, chance, temperature)
        reviewed = np.flatnonzero(said < ACCEPT)[:n_reviewed]
        evidence = [
            Evidence(record_id=int(i), was_accepted=False, is_drawn=False, confidence=float(said[i]), is_right=bool(is_right[i]))
            for i in reviewed
        ]
        fitted = fit(evidence, said.tolist(), BUDGET)
        new, is_new_right = stream(20_000, chance, temperature)
        was, now = new >= ACCEPT, 1 / (1 + np.exp(-np.log(new / (1 - new)) / fitted.temperature)) >= fitted.accept
        before.append(1 - is_new_right[was].mean())
        after.append(1 - is_new_right[now].mean() if now.any() else 0.0)
        accepted_before.append(was.mean())
        accepted_after.append(now.mean())
    within = np.mean(np.array(after) <= BUDGET)
    return (
        f"| {temperature:g} | {n_reviewed} | {100 * np.mean(before):.2f} % | {100 * np.mean(after):.2f} % | {100 * within:.0f} % "
        f"| {100 * np.mean(accepted_before):.0f} % | {100 * np.mean(accepted_after):.1f} % |"
    )


if __name__ == "__main__":
    print("| temperature | reviewed | error before | error after | sites within 1 % | accepted before | accepted after |")
    print("|---|---|---|---|---|---|---|")
    for temperature in (1.0, 1.5, 2.5):
        for n_reviewed in (50, 150):
            print(simulate(n_reviewed, temperature))
