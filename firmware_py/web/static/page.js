// The page as a whole: who is in, what changes seldom, and its parts.

import { ask, element } from "/api.js";
import { Journal } from "/journal.js";
import { Live } from "/live.js";
import { Sensitivity } from "/sensitivity.js";

const STATUS_MS = 5000;
const TEST_NAMES = { chime: "Chime", gpio: "Pins", mqtt: "Message", webhook: "Webhook", command: "Program" };

let isConnected = false, timer;
const journal = new Journal(confirm);
const sensitivity = new Sensitivity(show);
const live = new Live((entry) => { journal.add(entry); refresh(); }, refresh, (there) => {
  isConnected = there;
  if (there) journal.load().then(refresh, failed);
  else say("lost", "No connection to the device, trying again …");
});

function confirm(text) {
  const dialog = element("question");
  element("question-text").textContent = text;
  dialog.returnValue = "no";
  dialog.showModal();
  return new Promise((resolve) => { dialog.onclose = () => resolve(dialog.returnValue === "yes"); });
}

function say(kind, text) {
  const state = element("state");
  state.className = `state ${kind}`;
  if (state.textContent !== text) state.textContent = text;
}

function show(status) {
  const mute = element("mute");
  mute.hidden = false;
  mute.setAttribute("aria-pressed", !status.listening);
  mute.textContent = status.listening ? "Mute" : "Listen again";
  if (!status.listening) say("off", "Muted: the microphone is closed");
  else if (!status.microphone) say("lost", "No microphone");
  else say("on", `Listening to ${status.microphone}`);
  showFaults(status.faults);
  sensitivity.show(status.models);
  showTests(status.tests);
  element("privacy").textContent = privacy(status.clips);
  element("logout").hidden = !status.has_login;
  element("figures").textContent = figures(status);
}

function showFaults(faults) {
  const texts = faults.map((each) => each.text), list = element("faults");
  if ([...list.children].map((each) => each.textContent).join() === texts.join()) return;
  list.replaceChildren(...texts.map((text) => Object.assign(document.createElement("li"), { textContent: text })));
}

function showTests(tests) {
  const box = element("tests");
  element("tests-hint").textContent = tests.length ? "" : "The settings name no output.";
  if (box.dataset.tests === tests.join()) return;
  box.dataset.tests = tests.join();
  box.replaceChildren(...tests.map((what) => {
    const button = Object.assign(document.createElement("button"), { type: "button", textContent: TEST_NAMES[what] || what });
    button.onclick = () => ask("POST", "test", { what }).then(
      () => { element("tests-hint").textContent = `${button.textContent}: sent. Did it answer?`; }, failed);
    return button;
  }));
}

function privacy(clips) {
  if (!clips.kept) {
    return "No sound is recorded: what happened is kept in memory only, and forgotten at a restart. "
      + "With a [clips] section in the settings, the seconds around each event can be played and labelled here.";
  }
  return `${clips.count} clips of ${clips.seconds_before + clips.seconds_after} s around what was heard`
    + `${clips.close_misses ? " and nearly heard" : ""} are kept in ${clips.folder} on the device, at most `
    + `${clips.max_clips} and none for longer than ${clips.max_days} days. The service's user, the device's `
    + "administrator and whoever can open this page can hear them. Nothing leaves the device by itself.";
}

function figures(status) {
  const parts = [`${status.detections} detections since the start`,
    `load ${(100 * status.real_time_factor).toFixed(1)} % of a core`];
  if (status.temperature_celsius != null) parts.push(`${Math.round(status.temperature_celsius)} °C`);
  return parts.join(" · ");
}

function failed(error) {
  if (error.status === 401) logIn();
  else say("lost", error.message || "The device does not answer");
}

async function refresh() {
  clearTimeout(timer);
  try {
    const status = await ask("GET", "status");
    if (isConnected || !live.socket) show(status);
  } catch (error) { failed(error); }
  if (!document.hidden && !element("page").hidden) timer = setTimeout(refresh, STATUS_MS);
}

function logIn() {
  live.close();
  clearTimeout(timer);
  element("page").hidden = true;
  element("mute").hidden = true;
  element("login").hidden = false;
  say("off", "Locked");
  element("password").focus();
}

async function enter() {
  try { show(await ask("GET", "status")); } catch (error) { failed(error); return; }
  element("login").hidden = true;
  element("page").hidden = false;
  live.open();
}

element("login").onsubmit = async (event) => {
  event.preventDefault();
  const field = element("password");
  element("login-error").textContent = "";
  try { await ask("POST", "login", { password: field.value }); field.value = ""; await enter(); }
  catch (error) { element("login-error").textContent = error.message; field.select(); }
};
element("logout").onclick = async () => { await ask("POST", "logout", {}); logIn(); };
element("mute").onclick = async () => {
  const listening = element("mute").getAttribute("aria-pressed") === "true";
  try { show(await ask("POST", "listening", { listening })); } catch (error) { failed(error); }
};
element("delete-everything").onclick = async () => {
  if (!await confirm("Delete all entries, clips and labels on the device? This cannot be undone.")) return;
  try { await ask("DELETE", "journal"); await journal.load(); refresh(); } catch (error) { failed(error); }
};
document.addEventListener("judged", refresh);
document.addEventListener("visibilitychange", () => {
  if (document.hidden) { live.close(); clearTimeout(timer); }
  else if (!element("page").hidden) { live.open(); refresh(); }
});
enter();
