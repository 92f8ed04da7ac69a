import { AsyncLocalStorage } from 'node:async_hooks';
import type { Call } from '#contract';

/** The call an adapter is working on: its host's `fetch` is traced and cancelled by it, even if the adapter forgets to pass its signal. */
export const currentCall = new AsyncLocalStorage<Call>();
