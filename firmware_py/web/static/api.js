// What the page asks of the device.

export class Refused extends Error {
  constructor(status, text) { super(text); this.status = status; }
}

export async function ask(method, path, body) {
  const response = await fetch(`/api/${path}`, {
    method,
    headers: body === undefined ? {} : { "Content-Type": "application/json" },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const isJson = (response.headers.get("Content-Type") || "").startsWith("application/json");
  const answer = isJson ? await response.json() : await response.blob();
  if (!response.ok) throw new Refused(response.status, answer.error || response.statusText);
  return answer;
}

export const element = (id) => document.getElementById(id);

export function bytes(base64) {
  return Uint8Array.from(atob(base64), (letter) => letter.charCodeAt(0));
}
