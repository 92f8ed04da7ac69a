import { breakGood, goodConfig } from '../good.ts';

const schema = goodConfig['~standard'];

/** Prints a schema whose `required` is no list. */
export default breakGood(() => ({}), {
  config: {
    '~standard': {
      ...schema,
      jsonSchema: { ...schema.jsonSchema, input: (options) => ({ ...schema.jsonSchema.input(options), required: 'baseUrl' }) },
    },
  },
});
