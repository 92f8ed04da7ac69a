import { breakGood } from '../good.ts';
import { signNotification } from '../office.ts';

/** Signs for the sender. */
export default breakGood(({ webhook }, { config }) => ({
  webhook: {
    ...webhook!,
    receive({ method, headers, raw }, call) {
      const own = new Headers(headers);
      own.set('x-signature', signNotification(config.webhookSecret, headers.get('x-moment') ?? '', raw));
      return webhook!.receive({ method, headers: own, raw }, call);
    },
  },
}));
