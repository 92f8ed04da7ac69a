import { createEventLog } from '../../src/infra/store/eventlog.ts';
import { openStore } from '../../src/infra/store/open-store.ts';
import { sampleEvent } from './sample-event.ts';

/* Appends events until it is killed and tells its parent the id of each once its transaction has resolved. */
const store = await openStore(process.argv[2]!);
const log = createEventLog(store);
for (;;) {
  const event = sampleEvent();
  await store.transaction((tx) => log.append(tx, [event]));
  process.send?.(event.id);
}
