import { startHub } from '../src/main.ts';
import { serveParent } from './parent.ts';

/* The hub as in production, but nobody is counted: all load comes from one caller. */
const hub = await startHub(process.env, { gateway: { rateLimit: null } });
serveParent(hub.url, {}, () => hub.close());
