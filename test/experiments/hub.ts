import { runUntilStopped, startHub } from '../../src/main.ts';

/*
 * The hub that the kill experiment kills: the real process with shorter leases, so that forty deaths take minutes instead
 * of an hour. BLIND=1 makes it send again without asking, as the control that must make duplicates.
 */
await runUntilStopped(() =>
  startHub(process.env, {
    applications: {
      timing: { leaseMs: 1500, pollMs: 100 },
      retry: { firstMs: 200, settleMs: 500, longestMs: 2000 },
      retryBlindly: process.env['BLIND'] === '1',
    },
    gateway: { rateLimit: null },
  }),
);
