import { setTimeout as pause } from 'node:timers/promises';
import { answerQuestions } from '../../../src/federation/helper.ts';
import { endWithParent } from '../../../src/federation/hosts.ts';

/** Computes without looking up, for so many milliseconds; `begin` is slow and looks up; `crash` ends a process; `pid` is its number. */
export type HelperQuestion = 'begin' | 'crash' | 'pid' | number;

let begun = 0;

endWithParent();
answerQuestions(async (question: HelperQuestion): Promise<number> => {
  if (question === 'pid') return process.pid;
  if (question === 'crash') process.abort();
  if (question === 'begin') {
    await pause(100);
    begun += 1;
  } else {
    const until = performance.now() + question;
    while (performance.now() < until);
  }
  return begun;
});
