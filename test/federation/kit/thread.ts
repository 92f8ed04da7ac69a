import { setTimeout as pause } from 'node:timers/promises';
import { answerQuestions } from '../../../src/federation/thread.ts';

/** Computes without looking up, for so many milliseconds; `begin` is slow and looks up. */
export type ThreadQuestion = 'begin' | number;

let begun = 0;

answerQuestions(async (question: ThreadQuestion): Promise<number> => {
  if (question === 'begin') {
    await pause(100);
    begun += 1;
  } else {
    const until = performance.now() + question;
    while (performance.now() < until);
  }
  return begun;
});
