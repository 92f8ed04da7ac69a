import { breakGood, createGood } from '../good.ts';

/** Believes in any clock. */
export default breakGood((_, { config, host }) => ({
  webhook: {
    ...createGood(config, host).webhook!,
    receive: (request, call) =>
      createGood(config, { ...host, now: () => new Date(request.headers.get('x-moment') ?? 0) }).webhook!.receive(request, call),
  },
}));
