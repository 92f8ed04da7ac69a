import type { HubEvent } from '#contract';
import { createMemo, fail, pass, unverified, type Check, type Memo, type Opened } from '../check.ts';
import { inWords, settle, targets } from './observe.ts';

const receive = (opened: Opened, event: HubEvent, memo: Memo = createMemo()) =>
  settle(opened.write((adapter, call) => adapter.events!.receive(event, call), { key: event.id, memo }));

const once: Check = {
  id: 'events.replay-once',
  level: 'MUST',
  title: 'An event that comes again, to another process or after a lost reply, takes effect once.',
  remedy: 'pass call.key (the event’s id) to the back office, or look whether it is there before writing',
  port: 'events',
  async run(bench) {
    const event = bench.event();
    const further = bench.event();
    if (!event || !further) return unverified('samples.events is empty', 'give an event of a type that the adapter takes');
    const opened = await bench.open();
    if (!opened.adapter.events?.types.includes(event.type))
      return fail('the type of samples.events[0] is one of events.types', 'it is not', 'list every type it takes, or give another sample');
    const first = await receive(opened, event);
    if (first.error) return fail('the event is taken', inWords(first.error), this.remedy);
    const { writesOnly, count } = targets(opened);
    const other = await bench.open();
    for (const again of [opened, other]) {
      const { error } = await receive(again, event);
      if (error) return fail('the same event again succeeds', inWords(error), this.remedy);
    }
    if (count > 0) {
      const memo = createMemo();
      await opened.fault({ name: 'lost-reply', from: 1, times: 1, writesOnly });
      const lost = await receive(opened, further, memo);
      await opened.fault(null);
      if (lost.error?.effect === 'none' && (await bench.countEvents(further.id)) === 1)
        return fail('effect unknown after a lost reply', inWords(lost.error), this.remedy);
      const { error } = await receive(opened, further, memo);
      if (error) return fail('the retry after a lost reply succeeds', inWords(error), this.remedy);
    }
    const counts = [await bench.countEvents(event.id), count > 0 ? await bench.countEvents(further.id) : 1];
    if (counts.includes(null))
      return unverified(
        'nothing tells how often an event took effect',
        'give samples.countEvents: how to ask the back office for the number of effects of {event}',
      );
    const off = counts.find((times) => times !== 1);
    return off === undefined ? pass : fail('one effect', `${off} effects`, this.remedy);
  },
};

/** Events of other cities handed to the back office. */
export const eventsChecks: readonly Check[] = [once];
