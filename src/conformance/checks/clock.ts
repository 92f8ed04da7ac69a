import { fail, pass, type Check } from '../check.ts';
import { awaitChange, loadOne, noValid, pullChanges, submit } from './observe.ts';

/** Around the moments at which German clocks are set back and forward, with the hour that exists twice and the one that does not. */
const nights = ['2026-10-25T00:30:00Z', '2026-10-25T01:30:00Z', '2026-03-29T00:59:30Z', '2026-03-29T01:00:30Z', '2027-03-28T01:30:00Z'].map(
  (moment) => new Date(moment),
);

/** Clocks of hub and back office may differ by this, in milliseconds; less than the smallest difference of time zones. */
const SKEW_MS = 10 * 60_000;

const shift = (ms: number): string => `${ms > 0 ? '+' : ''}${Math.round(ms / 60_000)} minutes`;

export const clock: Check = {
  id: 'changes.clock-and-timezone',
  level: 'MUST',
  title: 'Moments are those of the back office, and no change is skipped, whatever night it is and whatever the hub’s clock says.',
  remedy: 'read moments without an offset in the back office’s time zone, and take the cursor from its moments, never from host.now()',
  port: 'changes',
  async run(bench) {
    const opened = await bench.open();
    for (const night of [null, ...nights]) {
      bench.setNow(night);
      const application = bench.submission();
      if (!application) return noValid;
      const { next: from } = await pullChanges(opened, null);
      const since = Date.now();
      const { ref } = await submit(opened, application);
      const when = night ? `while the hub’s clock stands at ${night.toISOString()}` : 'now';
      const { change } = await awaitChange(opened, from, (one) => one.ref.id === ref.id);
      if (!change) return fail(`a new case is told ${when}`, 'it is skipped', this.remedy);
      const loaded = await loadOne(opened, ref);
      for (const moment of [change.updatedAt, loaded?.updatedAt ?? change.updatedAt]) {
        const early = moment.getTime() - since;
        const late = moment.getTime() - Date.now();
        if (Number.isNaN(early)) return fail(`a valid updatedAt ${when}`, 'none', this.remedy);
        if (early < -SKEW_MS || late > SKEW_MS)
          return fail(`updatedAt is the moment at which the case was made, ${when}`, `${shift(early)} from it`, this.remedy);
      }
    }
    return pass;
  },
};
