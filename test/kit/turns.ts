import { threadCpuUsage } from 'node:process';

/**
 * Watches how long the turns of the event loop are: what it answers ends that, and tells the CPU that this thread used in the longest of
 * them, in milliseconds. Others on the machine lengthen it little, garbage collection on this thread counts.
 */
export function watchTurns(): () => number {
  const used = (): number => {
    const { user, system } = threadCpuUsage();
    return (user + system) / 1000;
  };
  let before = used();
  let longest = 0;
  let ended = false;
  const turn = (): void => {
    const now = used();
    longest = Math.max(longest, now - before);
    before = now;
    if (!ended) setImmediate(turn);
  };
  setImmediate(turn);
  return () => {
    ended = true;
    return Math.max(longest, used() - before);
  };
}
