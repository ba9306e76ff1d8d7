/** Numbers of the last minutes, for sparklines. */

/** The time between two points, in seconds. */
export const STEP = 2;
/** Five minutes. */
export const POINTS = 150;

/** The number of a point, counted from the start of the gateway's clock. */
export function slotOf(time: number): number {
  return Math.floor(time / STEP);
}

/** The longest gap that is bridged, in points: a slow answer leaves it. */
const BRIDGED = 4;

/** One number for each point; NaN where there was no sample. */
export class History {
  private readonly values = new Float32Array(POINTS).fill(NaN);
  private newest = -1;

  /** Notes a number. `time`: the gateway's monotonic clock, in seconds. */
  add(time: number, value: number): void {
    const slot = slotOf(time);
    const isBridged = this.newest >= 0 && slot - this.newest <= BRIDGED;
    this.extend(slot - 1, isBridged ? (this.values[this.newest % POINTS] ?? NaN) : NaN);
    this.newest = slot;
    this.values[slot % POINTS] = value;
  }

  /** Notes that the number was 0 since the last one. */
  addZeros(time: number): void {
    this.extend(slotOf(time), 0);
  }

  /** Gives all points after the newest, up to a slot, the same number. */
  private extend(slot: number, value: number): void {
    const isNew = this.newest < 0 || slot < this.newest - POINTS;
    if (isNew) this.values.fill(NaN);
    const from = isNew ? slot + 1 : Math.max(this.newest + 1, slot - POINTS + 1);
    for (let each = from; each <= slot; each++) this.values[each % POINTS] = value;
    this.newest = isNew ? slot : Math.max(this.newest, slot);
  }

  /**
   * Returns the numbers up to a moment, the oldest first.
   *
   * @param points how many
   * @param rest the number of the points since the newest
   */
  until(time: number, points: number, rest = NaN): number[] {
    const last = slotOf(time);
    return Array.from({ length: points }, (_, index) => {
      const slot = last - points + 1 + index;
      if (this.newest >= 0 && slot > this.newest) return rest;
      const isKnown = slot >= 0 && slot > this.newest - POINTS;
      return isKnown ? (this.values[slot % POINTS] ?? NaN) : NaN;
    });
  }
}
