import { sql } from 'kysely';
import { createInbox } from '../../src/infra/bus/inbox.ts';
import { openKafkaBus } from '../../src/infra/bus/kafka.ts';
import { createLog } from '../../src/infra/log.ts';
import { openStore } from '../../src/infra/store/open-store.ts';

/*
 * A member of a group that the consumer experiment kills. Each event that comes leaves a row in `arrival`, in a transaction of
 * its own, and its effect once, with the inbox. SIGTERM lets it leave the group.
 */

const { BUS_URL = '', STORE_URL = '', GROUP = '', TYPE = '' } = process.env;
const store = await openStore(STORE_URL);
const inbox = createInbox(store);
const bus = openKafkaBus(BUS_URL, { log: createLog('silent') });
await bus.subscribe({
  group: GROUP,
  aggregateTypes: [TYPE],
  handle: async (event) => {
    await sql`insert into arrival (event_id) values (${event.id})`.execute(store.db);
    await store.transaction((tx) =>
      inbox.once(
        tx,
        GROUP,
        event,
        async () =>
          void (await sql`insert into effect (event_id, aggregate, seq) values (${event.id}, ${event.aggregate.id}, ${event.seq})`.execute(
            tx,
          )),
        Date.now(),
      ),
    );
  },
});
process.once('SIGTERM', () => {
  void bus
    .close()
    .then(() => store.close())
    .finally(() => process.exit(0));
});
