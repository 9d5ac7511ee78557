// Asks the daemon, with the secret that this page was given; a refusal becomes an Error that says why.

const csrf = document.querySelector('meta[name="csrf"]').content;

export async function ask(method, path, body) {
  const headers = { "X-CSRF-Token": csrf };
  if (body !== undefined) headers["Content-Type"] = "application/json";
  let answer;
  try {
    answer = await fetch(path, { method, headers, body: body === undefined ? undefined : JSON.stringify(body) });
  } catch {
    throw new Error("The device does not answer. Is it still on?");
  }
  if (answer.status === 401) location.href = `/login?next=${encodeURIComponent(location.pathname)}`;
  if (!answer.ok) {
    const said = await answer.json().catch(() => ({}));
    throw new Error(said.detail || `The device refused (${answer.status}).`);
  }
  return answer.status === 204 ? null : answer.json();
}

export const byId = (id) => document.getElementById(id);

export function say(element, text) {
  element.textContent = text;
  element.hidden = !text;
}

export function make(tag, attributes = {}, ...inside) {
  const element = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) element.setAttribute(name, value);
  element.append(...inside);
  return element;
}

export function showDue(n) {
  const badge = byId("n-due");
  badge.firstChild.textContent = n;
  badge.hidden = !n;
}
