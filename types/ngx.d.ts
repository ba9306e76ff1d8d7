/** lua-nginx-module, as far as it is used. */

/** @noSelfInFile */

/** `ngx.shared.DICT`. The functions are methods. */
interface SharedDict {
  get(this: SharedDict, key: string): LuaMultiReturn<[string | number | undefined, string | undefined]>;
  safe_set(
    this: SharedDict,
    key: string,
    value: string | number,
  ): LuaMultiReturn<[boolean | undefined, string | undefined]>;
  safe_add(
    this: SharedDict,
    key: string,
    value: string | number,
  ): LuaMultiReturn<[boolean | undefined, string | undefined]>;
  delete(this: SharedDict, key: string): void;
  incr(this: SharedDict, key: string, by: number): LuaMultiReturn<[number | undefined, string | undefined]>;
  get_keys(this: SharedDict, max: number): string[];
  capacity(this: SharedDict): number;
  free_space(this: SharedDict): number;
}

type TimerCallback = (this: void, premature: boolean) => void;

/** @noSelf */
interface NgxConfig {
  readonly nginx_version: number;
  readonly ngx_lua_version: number;
  /** Returns the folder that relative paths start from, with a slash at its end. */
  prefix(): string;
  /** Returns the options of nginx's build. */
  nginx_configure(): string;
}

/** @noSelf */
interface NgxRegex {
  find(
    text: string,
    regex: string,
    options?: string,
  ): LuaMultiReturn<[number | undefined, number | undefined, string | undefined]>;
}

/** @noSelf */
interface NgxRequest {
  clear_header(name: string): void;
  discard_body(): void;
  get_method(): string;
  get_headers(max: number): Record<string, string | string[] | undefined>;
  get_uri_args(max: number): Record<string, string | true | (string | true)[] | undefined>;
  read_body(): void;
  get_body_data(): string | undefined;
  get_body_file(): string | undefined;
}

/** @noSelf */
interface NgxWorker {
  id(): number | undefined;
  pid(): number;
  count(): number;
  exiting(): boolean;
}

/** A TCP cosocket. The functions are methods; times are in milliseconds. */
interface TcpSocket {
  close(this: TcpSocket): LuaMultiReturn<[number | undefined, string | undefined]>;
  connect(
    this: TcpSocket,
    host: string,
    port: number,
    options: { pool: string },
  ): LuaMultiReturn<[number | undefined, string | undefined]>;
  /** Connects to a unix socket. */
  connect(
    this: TcpSocket,
    path: string,
    options: { pool: string },
  ): LuaMultiReturn<[number | undefined, string | undefined]>;
  getreusedtimes(this: TcpSocket): LuaMultiReturn<[number | undefined, string | undefined]>;
  /** Receives exactly so many bytes. */
  receive(this: TcpSocket, bytes: number): LuaMultiReturn<[string | undefined, string | undefined]>;
  receiveany(this: TcpSocket, max: number): LuaMultiReturn<[string | undefined, string | undefined]>;
  send(this: TcpSocket, text: string): LuaMultiReturn<[number | undefined, string | undefined]>;
  setkeepalive(
    this: TcpSocket,
    idle: number,
    pool_size: number,
  ): LuaMultiReturn<[number | undefined, string | undefined]>;
  settimeout(this: TcpSocket, time: number): void;
  sslhandshake(
    this: TcpSocket,
    reused_session: false,
    server_name: string | undefined,
    verify: boolean,
  ): LuaMultiReturn<[boolean | undefined, string | undefined]>;
}

/** A UDP cosocket. The functions are methods; times are in milliseconds. */
interface UdpSocket {
  close(this: UdpSocket): LuaMultiReturn<[number | undefined, string | undefined]>;
  receive(this: UdpSocket): LuaMultiReturn<[string | undefined, string | undefined]>;
  send(this: UdpSocket, text: string): LuaMultiReturn<[number | undefined, string | undefined]>;
  setpeername(
    this: UdpSocket,
    host: string,
    port: number,
  ): LuaMultiReturn<[number | undefined, string | undefined]>;
  settimeout(this: UdpSocket, time: number): void;
}

/** @noSelf */
interface NgxSocket {
  tcp(): TcpSocket;
  udp(): UdpSocket;
}

/** A light thread; opaque. */
interface LightThread {
  readonly __light_thread: never;
}

/** @noSelf */
interface NgxThread {
  spawn<T extends unknown[]>(body: (this: void, ...values: T) => void, ...values: T): LightThread;
  kill(thread: LightThread): LuaMultiReturn<[true | undefined, string | undefined]>;
  wait(thread: LightThread): LuaMultiReturn<[boolean, ...unknown[]]>;
}

/** @noSelf */
interface NgxRegex {
  find(
    subject: string,
    pattern: string,
    options: string,
  ): LuaMultiReturn<[number | undefined, number | undefined, string | undefined]>;
}

/** @noSelf */
interface NgxTimer {
  at(seconds: number, callback: TimerCallback): LuaMultiReturn<[unknown, string | undefined]>;
  every(seconds: number, callback: TimerCallback): LuaMultiReturn<[unknown, string | undefined]>;
}

/** @noSelf */
interface Ngx {
  readonly ERR: number;
  readonly WARN: number;
  readonly NOTICE: number;
  readonly ERROR: number;

  readonly config: NgxConfig;
  /** A table that belongs to the request. */
  readonly ctx: Record<string, unknown>;
  readonly header: Record<string, string | string[] | undefined>;
  readonly is_subrequest: boolean;
  readonly re: NgxRegex;
  readonly req: NgxRequest;
  readonly shared: Record<string, SharedDict | undefined>;
  readonly socket: NgxSocket;
  readonly thread: NgxThread;
  readonly timer: NgxTimer;
  /** nginx's variables. A variable that does not exist or is not set is undefined. */
  readonly var: Record<string, string | undefined>;
  readonly worker: NgxWorker;
  status: number;

  cookie_time(seconds: number): string;
  readonly crc32_long: (this: void, text: string) => number;
  decode_base64(text: string): string | undefined;
  encode_base64(text: string): string;
  escape_uri(text: string): string;
  /** Returns the Unix time of a date in HTTP's form; undefined: it is none. */
  parse_http_time(text: string): number | undefined;
  exit(status: number): void;
  flush(wait: boolean): LuaMultiReturn<[unknown, string | undefined]>;
  hmac_sha1(secret: string, text: string): string;
  log(level: number, ...messages: (string | number)[]): void;
  readonly now: (this: void) => number;
  on_abort(callback: (this: void) => void): LuaMultiReturn<[unknown, string | undefined]>;
  print(...texts: string[]): LuaMultiReturn<[unknown, string | undefined]>;
  sha1_bin(text: string): string;
  sleep(seconds: number): void;
  get_phase(): string;
  time(): number;
  unescape_uri(text: string): string;
}

declare const ngx: Ngx;
