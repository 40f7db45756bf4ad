// From a byte to a colour: dark green over teal to pale yellow, rising in lightness throughout.

const STOPS = [[8, 16, 18], [10, 60, 72], [18, 118, 110], [110, 180, 110], [250, 240, 170]];
const TABLE = Array.from({ length: 256 }, (_, value) => {
  const place = value / 255 * (STOPS.length - 1), low = Math.min(Math.floor(place), STOPS.length - 2);
  const part = place - low;
  return [...STOPS[low].map((dark, i) => Math.round(dark + part * (STOPS[low + 1][i] - dark))), 255];
});

export const shade = (value) => TABLE[value];
