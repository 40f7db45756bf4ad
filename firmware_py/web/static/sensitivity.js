// A slider for each model, between its operating points, with what each of them promises.

import { ask, element } from "/api.js";

const percent = (share) => `${(100 * share).toFixed(share < 0.0995 ? 1 : 0)}\u00a0%`;
const few = (number) => number.toFixed(number < 10 ? 1 : 0);

export class Sensitivity {
  constructor(tell) { this.tell = tell; this.models = new Map(); }

  show(models) {
    for (const model of models) {
      let box = this.models.get(model.name);
      if (!box) {
        box = element("model").content.firstElementChild.cloneNode(true);
        this.models.set(model.name, box);
        element("sensitivity").append(box);
        const slider = box.querySelector("input");
        slider.setAttribute("aria-label", `Sensitivity of ${model.name}`);
        slider.oninput = () => this.describe(box, Number(slider.value));
        slider.onchange = () => this.choose(box, box.model.points[Number(slider.value)].name);
        box.querySelector(".reset").onclick = () => this.choose(box, null);
      }
      box.model = model;
      box.querySelector("h3").textContent = `${model.name}: ${model.words.map((w) => `“${w}”`).join(", ")}`;
      const slider = box.querySelector("input");
      slider.max = model.points.length - 1;
      slider.disabled = model.points.length < 2;
      if (document.activeElement !== slider || !box.choosing) {
        slider.value = model.points.findIndex((point) => point.name === model.current);
        this.describe(box, Number(slider.value));
      }
      box.querySelector(".reset").hidden = !model.is_chosen;
    }
  }

  describe(box, index) {
    const point = box.model.points[index];
    const own = point.name === box.model.as_set ? ", as set up" : "";
    const text = `${point.name} (threshold ${point.threshold.toFixed(3)}${own}): ${promise(point.promise)}`;
    box.querySelector(".promise").textContent = text;
    box.querySelector(".room").textContent = room(point.room);
    box.querySelector("input").setAttribute("aria-valuetext", text);
  }

  async choose(box, point) {
    const error = box.querySelector(".error");
    error.textContent = "";
    box.choosing = true;
    try { this.tell(await ask("POST", "sensitivity", { model: box.model.name, point })); }
    catch (failure) { error.textContent = `Not changed: ${failure.message}`; }
    box.choosing = false;
  }
}

function promise(found) {
  const parts = [];
  if (found.miss_rate !== undefined) {
    parts.push(`misses ${percent(found.miss_rate)} of the words${interval(found.miss_rate_ci95, percent)}`);
  }
  if (found.false_accepts_per_hour !== undefined) {
    const rate = few(found.false_accepts_per_hour);
    parts.push(`answers wrongly ${rate} times an hour of speech${interval(found.false_accepts_per_hour_ci95, few)}`);
  }
  return parts.length ? `${parts.join(", ")}, in the model's evaluation.` : "not evaluated.";
}

function interval(bounds, write) {
  return Array.isArray(bounds) ? ` (${bounds.map((each) => write(each).replace("\u00a0%", "")).join(" to ")})` : "";
}

function room({ words, found, others, false_accepts: falseAccepts }) {
  if (!words && !others) return "This room: label what happened, and the count stands here.";
  return `This room, by your labels: ${found} of ${words} words found, ${falseAccepts} of ${others} other sounds answered.`;
}
