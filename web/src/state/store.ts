import { useEffect, useRef, useState } from "preact/hooks";

/** A value that components follow. */
export class Store<Value> {
  private readonly listeners = new Set<() => void>();

  constructor(private value: Value) {}

  get(): Value {
    return this.value;
  }

  /** Sets the value, and tells all followers. */
  set(value: Value): void {
    this.value = value;
    for (const listener of this.listeners) listener();
  }

  /** Calls a function after each change. Returns a function that ends this. */
  follow(listener: () => void): () => void {
    this.listeners.add(listener);
    return () => this.listeners.delete(listener);
  }
}

/** Returns the value of a store, and renders the component again when it is set. */
export function useStore<Value>(store: Store<Value>): Value {
  const [, setCount] = useState(0);
  useEffect(() => store.follow(() => setCount((count) => count + 1)), [store]);
  return store.get();
}

/** Returns a part of a store's value, and renders the component again only when that part has changed. */
export function useSelected<Value, Part>(store: Store<Value>, select: (value: Value) => Part): Part {
  const part = select(store.get());
  const [, setCount] = useState(0);
  const shown = useRef(part);
  shown.current = part;
  useEffect(
    () =>
      store.follow(() => {
        if (select(store.get()) !== shown.current) setCount((count) => count + 1);
      }),
    [store],
  );
  return part;
}
