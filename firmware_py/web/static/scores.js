// Scores as they are drawn and written. They crowd near 1, so log-odds are drawn: .5 at a third,
// .99 at two thirds.

const LOWEST = -4, HIGHEST = 9.2;

export function share(score) {
  const logOdds = Math.log(score / (1 - score));
  return Math.min(1, Math.max(0, (logOdds - LOWEST) / (HIGHEST - LOWEST)));
}

export const written = (score) => score.toFixed(score > 0.95 && score < 1 ? 3 : 2);
