import { afterEach } from 'vitest';

interface Closable {
  close(): Promise<void>;
}

/** What a test opens is closed after it, the last first, even if the test fails. */
export function createStack(): <T extends Closable>(one: T) => T {
  const open: Closable[] = [];
  afterEach(async () => {
    for (const one of open.splice(0)) await one.close();
  });
  return (one) => {
    open.unshift(one);
    return one;
  };
}
