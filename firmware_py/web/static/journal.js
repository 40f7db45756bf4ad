// What happened: detections and close misses, newest first.

import { ask, bytes, element } from "/api.js";
import { written } from "/scores.js";
import { shade } from "/shades.js";

const KINDS = { detection: "heard", "close-miss": "nearly heard" };

export class Journal {
  constructor(confirm) {
    this.confirm = confirm;
    this.list = element("journal");
    this.seen = new IntersectionObserver((seen) => seen.forEach((each) => {
      if (each.isIntersecting) { this.seen.unobserve(each.target); draw(each.target); }
    }));
    element("more").onclick = () => this.load(this.list.lastElementChild?.dataset.id);
    element("only-misses").onchange = () => this.filter();
  }

  async load(before) {
    const { entries, more } = await ask("GET", `journal${before ? `?before=${before}` : ""}`);
    if (!before) this.list.replaceChildren();
    for (const entry of entries) this.list.append(this.row(entry));
    element("more").hidden = !more;
    this.filter();
  }

  add(entry) {
    if (!this.list.querySelector(`[data-id="${entry.id}"]`)) this.list.prepend(this.row(entry));
    this.filter();
  }

  filter() {
    const only = element("only-misses").checked;
    for (const row of this.list.children) row.hidden = only && row.dataset.kind !== "close-miss";
    const there = [...this.list.children].some((row) => !row.hidden);
    element("journal-hint").textContent = there ? "" : "Nothing yet. Say the word, or something like it.";
  }

  row(entry) {
    const row = element("entry").content.firstElementChild.cloneNode(true);
    const find = (name) => row.querySelector(`.${name}`);
    const when = new Date(entry.timestamp);
    const name = `${KINDS[entry.kind]} “${entry.label}”, ${when.toLocaleString()}`;
    row.dataset.id = entry.id;
    row.dataset.kind = entry.kind;
    find("label").textContent = entry.label;
    const model = entry.model === entry.label ? "" : ` · ${entry.model}`;
    find("kind").textContent = KINDS[entry.kind] + model;
    row.querySelector("time").dateTime = entry.timestamp;
    row.querySelector("time").textContent = when.toLocaleString();
    find("score").textContent = `score ${written(entry.score)} (threshold ${written(entry.threshold)})`;
    for (const button of row.querySelectorAll("button")) {
      button.setAttribute("aria-label", `${button.textContent}: ${name}`);
    }
    find("picture").setAttribute("aria-label", `Spectrogram: ${name}`);
    find("play").onclick = () => this.act(row, () => play(entry.id));
    find("right").onclick = () => this.act(row, () => this.judge(row, "right"));
    find("wrong").onclick = () => this.act(row, () => this.judge(row, "wrong"));
    find("delete").onclick = () => this.act(row, () => this.delete(row));
    show(row, entry.verdict);
    if (entry.has_clip) this.seen.observe(row);
    else {
      row.classList.add("bare");
      for (const gone of ["picture", "play"]) find(gone).remove();
    }
    return row;
  }

  async act(row, action) {
    const error = row.querySelector(".error");
    error.textContent = "";
    try { await action(); } catch (failure) { error.textContent = `Not done: ${failure.message}`; }
  }

  async judge(row, verdict) {
    const given = row.querySelector(`.${verdict}`).getAttribute("aria-pressed") === "true";
    const entry = await ask("POST", `journal/${row.dataset.id}`, { verdict: given ? "" : verdict });
    show(row, entry.verdict);
    document.dispatchEvent(new Event("judged"));
  }

  async delete(row) {
    if (!await this.confirm("Delete this entry and its clip?")) return;
    await ask("DELETE", `journal/${row.dataset.id}`);
    (row.nextElementSibling || row.previousElementSibling)?.querySelector("button")?.focus();
    row.remove();
    this.filter();
    document.dispatchEvent(new Event("judged"));
  }
}

function show(row, verdict) {
  for (const name of ["right", "wrong"]) {
    row.querySelector(`.${name}`).setAttribute("aria-pressed", verdict === name);
  }
}

let playing;

async function play(id) {
  playing?.pause();
  const url = URL.createObjectURL(await ask("GET", `journal/${id}/clip.wav`));
  playing = new Audio(url);
  playing.onended = playing.onpause = () => URL.revokeObjectURL(url);
  document.body.dataset.played = id;
  await playing.play();
}

async function draw(row) {
  const { frames, bins, data } = await ask("GET", `journal/${row.dataset.id}/picture`);
  const canvas = row.querySelector(".picture"), values = bytes(data);
  if (!frames) return;
  const image = new ImageData(frames, bins);
  for (let frame = 0; frame < frames; frame++) {
    for (let bin = 0; bin < bins; bin++) {
      image.data.set(shade(values[frame * bins + bin]), 4 * ((bins - 1 - bin) * frames + frame));
    }
  }
  canvas.width = frames;
  canvas.height = bins;
  canvas.getContext("2d").putImageData(image, 0, 0);
}
