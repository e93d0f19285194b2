// A miniflare plugin with one binding: the Durable Object namespace that miniflare keeps D1 databases in.
//
// miniflare gives a Worker one D1 binding for each database that its options name. A test run needs a new database
// for each test, and new options restart the runtime. With the namespace itself a Worker reaches a database of any
// name, and a database exists from its first request on.

const anything = {
  parse: (value) => value,
  safeParse: (value) => ({ success: true, data: value }),
};

export const PLUGIN = "pytest-cfworkers-d1-objects";

export const plugins = {
  [PLUGIN]: {
    options: anything,
    getBindings: (bindings) =>
      (bindings ?? []).map(({ name }) => ({
        name,
        durableObjectNamespace: { className: "D1DatabaseObject", serviceName: "d1:db" },
      })),
    getNodeBindings: () => ({}),
    getServices: async () => [],
  },
};
