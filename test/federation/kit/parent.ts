import { createHelper } from '../../../src/federation/helper.ts';
import { inProcess, inThread } from '../../../src/federation/hosts.ts';
import type { HelperQuestion } from './helper.ts';

/** A process with a helper: prints the number of the helper's process, then lets it compute for as long as the first argument says. */
const start = process.argv[3] === 'thread' ? inThread : inProcess;
const helper = createHelper<HelperQuestion, number>('test', start(new URL('./helper.ts', import.meta.url)));
console.log(await helper.ask('pid', 60_000));
const busyMs = Number(process.argv[2]);
if (busyMs > 0) helper.ask(busyMs, 10 * busyMs).catch(() => {});
setInterval(() => {}, 1000);
