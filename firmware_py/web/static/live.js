// The live part: level, spectrogram, scores, marks. Closed while nobody can see the page.

import { bytes, element } from "/api.js";
import { share, written } from "/scores.js";
import { shade } from "/shades.js";

const LOWEST_DB = -80, CLIPPING_DB = -0.1, HOLD_MS = 1500;
const LINES = ["#5ee0cd", "#ffc35c", "#8ab4ff", "#ff8fb1", "#c3e88d", "#d6a8ff"];

export class Live {
  constructor(tellEntry, tellChange, tellState) {
    this.tellEntry = tellEntry;
    this.tellChange = tellChange;
    this.tellState = tellState;
    this.spectrogram = element("spectrogram").getContext("2d", { alpha: false });
    this.scores = element("scores").getContext("2d", { alpha: false });
    this.words = new Map();
    this.clippedAt = -HOLD_MS;
    this.wait = 500;
    this.marks = [];
  }

  open() {
    if (this.socket || document.hidden) return;
    const scheme = location.protocol === "https:" ? "wss" : "ws";
    const socket = this.socket = new WebSocket(`${scheme}://${location.host}/api/live`);
    socket.onopen = () => { this.wait = 500; this.tellState(true); };
    socket.onmessage = (message) => this.take(JSON.parse(message.data));
    socket.onclose = () => {
      if (this.socket !== socket) return;
      this.socket = undefined;
      this.tellState(false);
      setTimeout(() => this.open(), this.wait);
      this.wait = Math.min(2 * this.wait, 8000);
    };
  }

  close() {
    const socket = this.socket;
    this.socket = undefined;
    if (socket) socket.close();
  }

  take(message) {
    if (message.type === "sound") this.sound(message);
    else if (message.type === "detection") this.detection(message);
    else if (message.type === "entry") this.tellEntry(message.entry);
    else if (message.type === "changed") this.tellChange();
  }

  sound(sound) {
    this.level(sound.level, sound.peak);
    this.draw(sound);
    for (const [index, score] of sound.scores.entries()) this.word(score, index);
  }

  level(level, peak) {
    const part = (db) => Math.min(1, Math.max(0, 1 - db / LOWEST_DB));
    const meter = element("level");
    element("level-bar").style.transform = `scaleX(${part(level)})`;
    element("level-peak").style.left = `calc(${100 * part(peak)}% - 3px)`;
    meter.setAttribute("aria-valuenow", Math.round(Math.max(level, LOWEST_DB)));
    meter.setAttribute("aria-valuetext", `${Math.round(level)} decibels`);
    element("level-text").textContent = `${Math.round(level)} dB`;
    const now = performance.now();
    if (peak > CLIPPING_DB) this.clippedAt = now;
    element("clipping").hidden = now - this.clippedAt > HOLD_MS;
  }

  draw({ frames, bins, data, scores }) {
    if (!frames) return;
    const { canvas } = this.spectrogram, values = bytes(data);
    const columns = Math.min(frames, canvas.width), first = frames - columns;
    const image = new ImageData(columns, bins);
    for (let frame = 0; frame < columns; frame++) {
      for (let bin = 0; bin < bins; bin++) {
        const color = shade(values[(first + frame) * bins + bin]);
        image.data.set(color, 4 * ((bins - 1 - bin) * columns + frame));
      }
    }
    const piece = new OffscreenCanvas(columns, bins);
    piece.getContext("2d").putImageData(image, 0, 0);
    scroll(this.spectrogram, columns);
    this.spectrogram.drawImage(piece, canvas.width - columns, 0, columns, canvas.height);
    this.drawScores(columns, scores);
  }

  drawScores(columns, scores) {
    const context = this.scores, { width, height } = context.canvas;
    const y = (score) => height - 3 - share(score) * (height - 6);
    scroll(context, columns);
    context.fillStyle = "#0b1413";
    context.fillRect(width - columns, 0, columns, height);
    for (const [index, { model, label, score, threshold }] of scores.entries()) {
      const key = `${model} ${label}`, before = this.words.get(key)?.last ?? score;
      context.strokeStyle = context.fillStyle = LINES[index % LINES.length];
      context.globalAlpha = 0.6;
      for (let x = width - columns; x < width; x++) if (x % 6 < 3) context.fillRect(x, y(threshold), 1, 1);
      context.globalAlpha = 1;
      context.lineWidth = 2;
      context.beginPath();
      context.moveTo(width - columns - 1, y(before));
      context.lineTo(width - 1, y(score));
      context.stroke();
    }
  }

  word({ model, label, score, threshold }, index) {
    const key = `${model} ${label}`;
    let word = this.words.get(key);
    if (!word) {
      const row = document.createElement("div");
      row.className = "word";
      row.innerHTML = `<span></span><div class="bar" role="meter" aria-valuemin="0" aria-valuemax="1">
        <div class="fill"></div><div class="limit"></div></div><output class="number"></output>`;
      row.firstChild.textContent = label;
      const [, bar, text] = row.children;
      bar.setAttribute("aria-label", `score of ${label}`);
      bar.firstElementChild.style.background = LINES[index % LINES.length];
      element("words").append(row);
      word = { bar, text };
      this.words.set(key, word);
    }
    word.last = score;
    word.bar.children[0].style.transform = `scaleX(${share(score)})`;
    word.bar.children[1].style.left = `calc(${100 * share(threshold)}% - 1px)`;
    word.bar.setAttribute("aria-valuenow", score.toFixed(2));
    word.text.textContent = written(score);
  }

  detection({ label, score }) {
    for (const context of [this.spectrogram, this.scores]) {
      const { width, height } = context.canvas;
      context.fillStyle = "#fff";
      context.fillRect(width - 3, 0, 2, height);
    }
    const time = new Date().toLocaleTimeString();
    element("announcement").textContent = `Heard “${label}” at ${time} (score ${written(score)})`;
  }
}

function scroll(context, columns) {
  const { canvas } = context;
  context.drawImage(canvas, -columns, 0);
}
