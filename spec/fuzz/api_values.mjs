/** Values for the schemas of the API's description: mostly valid, and some with a mistake in one place. */
import fc from "fast-check";

/** The depth at which objects have only their required members. */
const DEEPEST = 5;

/** Values of the wrong type, or at a limit of a right one. */
const wrong = fc.oneof(
  fc.constantFrom(null, true, 0, -1, 1.5, 1e308, 2 ** 53, "", "0", "-1s", "1e9", [], {}, [[]], { "": "" }),
  fc.string({ maxLength: 40 }),
  fc.string({ unit: "binary", maxLength: 12 }),
  fc.constantFrom(
    "a".repeat(300),
    "127.0.0.1:0",
    "[::1]:80",
    "unix:/x",
    "10.0.0.1:80",
    "$uri",
    "\u0000",
    "\ud800",
  ),
);

/** Values that the texts of many schemas allow. */
const texts = fc.constantFrom(
  ..."5s 1m 0 10 app other tmp web eu a 127.0.0.1:81 127.0.0.2:82 $uri $remote_addr round_robin /health 200-399 GET".split(
    " ",
  ),
);

/** @param {fc.Arbitrary<any>} arbitrary */
const mostly = (arbitrary) => fc.oneof({ weight: 24, arbitrary }, { weight: 1, arbitrary: wrong });

export class Values {
  /** @type {Map<string, fc.Arbitrary<any>>} */
  #known = new Map();

  /** @param {any} document */
  constructor(document) {
    this.document = document;
  }

  /** @param {string} pointer @returns {any} */
  #at(pointer) {
    const names = pointer.slice(2).split("/");
    return names.reduce(
      (value, name) => value[name.replaceAll("~1", "/").replaceAll("~0", "~")],
      this.document,
    );
  }

  /** Returns values of a schema. @param {any} schema @param {number} [depth] @returns {fc.Arbitrary<any>} */
  of(schema, depth = 0) {
    if (schema === undefined || schema === true) return wrong;
    if (schema.$ref !== undefined) return this.#referred(schema.$ref, depth);
    return mostly(this.#plain(schema, depth));
  }

  /** @param {string} pointer @param {number} depth */
  #referred(pointer, depth) {
    const key = `${pointer} ${depth}`;
    const known = this.#known.get(key) ?? this.of(this.#at(pointer), depth);
    this.#known.set(key, known);
    return known;
  }

  /** @param {any} schema @param {number} depth @returns {fc.Arbitrary<any>} */
  #plain(schema, depth) {
    if (schema.const !== undefined) return fc.constant(schema.const);
    if (schema.enum !== undefined) return fc.constantFrom(...schema.enum);
    for (const name of ["oneOf", "anyOf"])
      if (schema[name] !== undefined && schema.properties === undefined)
        return fc.oneof(...schema[name].map((one) => this.of(one, depth)));
    if (schema.allOf !== undefined || schema.properties !== undefined) return this.#object(schema, depth);
    const type = Array.isArray(schema.type) ? schema.type[0] : schema.type;
    if (type === "array")
      return fc.array(this.of(schema.items, depth + 1), { minLength: schema.minItems ?? 0, maxLength: 3 });
    if (type === "object") return this.#object(schema, depth);
    if (type === "integer") return numbersOf(schema, fc.integer);
    if (type === "number") return numbersOf(schema, (limits) => fc.double({ ...limits, noNaN: true }));
    if (type === "boolean") return fc.boolean();
    if (type === "null") return fc.constant(null);
    return textsOf(schema);
  }

  /** Returns objects with the required members and some others. @param {any} schema @param {number} depth */
  #object(schema, depth) {
    const parts = [schema, ...(schema.allOf ?? [])].map((part) => this.#resolved(part));
    const properties = Object.assign({}, ...parts.map((part) => part.properties ?? {}));
    const required = new Set(parts.flatMap((part) => part.required ?? []));
    const names = Object.keys(properties).filter((name) => depth < DEEPEST || required.has(name));
    const members = Object.fromEntries(names.map((name) => [name, this.of(properties[name], depth + 1)]));
    const free = names.filter((name) => !required.has(name));
    const optional = fc.subarray(free, { maxLength: Math.min(4, free.length) });
    const more = parts.find((part) => typeof part.additionalProperties === "object")?.additionalProperties;
    const others =
      more === undefined || depth >= DEEPEST
        ? fc.constant({})
        : fc.dictionary(fc.oneof(texts, fc.string({ maxLength: 8 })), this.of(more, depth + 1), {
            maxKeys: 2,
          });
    return fc
      .tuple(optional, others)
      .chain(([chosen, rest]) =>
        fc
          .record(
            Object.fromEntries(
              [...required, ...chosen].filter((name) => name in members).map((name) => [name, members[name]]),
            ),
          )
          .map((object) => ({ ...rest, ...object })),
      );
  }

  /** @param {any} schema @returns {any} */
  #resolved(schema) {
    return schema.$ref === undefined ? schema : this.#resolved(this.#at(schema.$ref));
  }
}

/**
 * @param {any} schema
 * @param {(limits: { min: number, max: number }) => fc.Arbitrary<number>} make
 */
function numbersOf({ minimum, exclusiveMinimum, maximum }, make) {
  const min = minimum ?? (exclusiveMinimum === undefined ? 0 : exclusiveMinimum + 1);
  const max = maximum ?? Math.max(min, 1000);
  return fc.oneof(make({ min, max }), fc.constantFrom(min, max, Math.min(max, min + 1)));
}

/** @param {any} schema */
function textsOf({ pattern, maxLength, examples, format }) {
  if (format === "date-time") return fc.date({ noInvalidDate: true }).map((date) => date.toISOString());
  const plain = fc.oneof(texts, fc.string({ maxLength: Math.min(maxLength ?? 20, 20) }));
  const shown = examples === undefined ? plain : fc.oneof(plain, fc.constantFrom(...examples));
  if (pattern === undefined) return shown;
  try {
    return fc.oneof(shown, fc.stringMatching(new RegExp(pattern)));
  } catch {
    // fast-check has no values for lookarounds.
    return shown;
  }
}
