/**
 * A store of sessions in a Redis, for several servers or machines: the entry
 * `millrace/redis-sessions`. It needs Redis 5 or later, not a cluster, and the package ioredis,
 * which is the app's to install. Each call is one script there, so that no two servers see one half
 * done. Any thread; each has a connection of its own.
 */
import { randomUUID } from "node:crypto";
import { Redis } from "ioredis";
import type { ReadRecord, RecordWritten } from "../shared/app.ts";
import { HttpError } from "../shared/errors.ts";
import { checkKnown, checkStrings, checkWhole, DELAY_MS_MAX } from "../shared/option-checks.ts";
import type { SessionStore, SessionTable, SessionWrite } from "./session-store.ts";

export interface RedisSessionsOptions {
  /** As for `redisBroker`. Default redis://127.0.0.1:6379. */
  readonly url?: string;
  /** In front of each key. Default "millrace:session:". */
  readonly prefix?: string;
  /** Beyond it a user's session that was not used for longest ends. Default 10. */
  readonly perUserMax?: number;
  /** Milliseconds after which a call that Redis has not answered fails. Default 2,000. */
  readonly timeoutMs?: number;
}

export interface RedisSessions extends SessionStore {
  /** For the app's `close`. */
  close(): void;
}

/**
 * A session is a hash of value, owner, number, end and the call that has written it last; an owner,
 * its keys by their last use, which are kept as long as any of the sessions may live.
 */
const COMMON = `
  local prefix = ARGV[1]
  local function now()
    local time = redis.call('TIME')
    return time[1] * 1000 + math.floor(time[2] / 1000)
  end
  local function ownerKey(owner) return prefix .. 'of:' .. owner end
  local function remove(key)
    local owner = redis.call('HGET', prefix .. key, 'owner')
    if not owner then return 0 end
    if owner ~= '' then redis.call('ZREM', ownerKey(owner), key) end
    return redis.call('DEL', prefix .. key)
  end
  local function touch(key, owner, ends, idle)
    local rest = ends - now()
    redis.call('PEXPIRE', prefix .. key, math.min(idle, rest))
    if owner == '' then return end
    redis.call('ZADD', ownerKey(owner), now(), key)
    if redis.call('PTTL', ownerKey(owner)) < rest then
      redis.call('PEXPIRE', ownerKey(owner), rest)
    end
  end
  local function found(key)
    local record = redis.call('HMGET', prefix .. key, 'value', 'owner', 'version', 'ends', 'call')
    if not record[1] then return nil end
    if tonumber(record[4]) > now() then return record end
    remove(key)
    return nil
  end
`;

const READ = `${COMMON}
  local key, idle = ARGV[2], tonumber(ARGV[3])
  local record = found(key)
  if not record then return false end
  touch(key, record[2], tonumber(record[4]), idle)
  return { record[1], record[2], record[3] }
`;

/** The client sends a call again whose answer was lost: what it has written is written. */
const WRITE = `${COMMON}
  local key, value, owner, replaced = ARGV[2], ARGV[3], ARGV[4], ARGV[8]
  local idle, lifetime, version = tonumber(ARGV[5]), tonumber(ARGV[6]), tonumber(ARGV[7])
  local most, call = tonumber(ARGV[9]), ARGV[10]
  local record = found(key)
  if record and record[5] == call then return 'written' end
  if version > 0 then
    if not record then return 'gone' end
    if tonumber(record[3]) ~= version then return 'conflict' end
    redis.call('HMSET', prefix .. key, 'value', value, 'version', version + 1, 'call', call)
    touch(key, record[2], tonumber(record[4]), idle)
    return 'written'
  end
  if record then return 'conflict' end
  if replaced ~= '' then remove(replaced) end
  if owner ~= '' then
    for _, each in ipairs(redis.call('ZRANGE', ownerKey(owner), 0, -1)) do
      if redis.call('EXISTS', prefix .. each) == 0 then
        redis.call('ZREM', ownerKey(owner), each)
      end
    end
    while redis.call('ZCARD', ownerKey(owner)) >= most do
      local oldest = redis.call('ZRANGE', ownerKey(owner), 0, 0)[1]
      remove(oldest)
      redis.call('ZREM', ownerKey(owner), oldest)
    end
  end
  local ends = now() + lifetime
  redis.call('HMSET', prefix .. key, 'value', value, 'owner', owner, 'version', 1, 'ends', ends,
    'call', call)
  touch(key, owner, ends, idle)
  return 'written'
`;

const DELETE = `${COMMON} return remove(ARGV[2])`;

const DELETE_OWNED = `${COMMON}
  local count = 0
  for _, key in ipairs(redis.call('ZRANGE', ownerKey(ARGV[2]), 0, -1)) do
    if key ~= ARGV[3] then count = count + remove(key) end
  end
  return count
`;

/**
 * It connects with the first session that is asked for. Throws a TypeError for options that are
 * none.
 */
export function redisSessions(options: RedisSessionsOptions = {}): RedisSessions {
  checkKnown("redisSessions", options, ["url", "prefix", "perUserMax", "timeoutMs"]);
  const { url = "redis://127.0.0.1:6379", prefix = "millrace:session:" } = options;
  const { perUserMax = 10, timeoutMs = 2000 } = options;
  checkStrings("redisSessions", options, ["url", "prefix"]);
  checkWhole("redisSessions", "perUserMax", perUserMax, 1);
  checkWhole("redisSessions", "timeoutMs", timeoutMs, 1, DELAY_MS_MAX);
  let redis: Redis | null = null;
  const run = async (script: string, ...given: (string | number)[]): Promise<unknown> => {
    redis ??= connect(url, timeoutMs);
    try {
      return await redis.eval(script, 0, prefix, ...given);
    } catch (cause) {
      throw new HttpError(503, "sessions cannot be had just now", { cause });
    }
  };
  const table: SessionTable = {
    async read(key, idleMs): Promise<ReadRecord | null> {
      const found = (await run(READ, key, idleMs)) as [string, string, string] | null;
      if (found === null) return null;
      return { value: found[0], owner: found[1], version: Number(found[2]) };
    },
    async write(write: SessionWrite): Promise<RecordWritten> {
      const { key, value, owner, idleMs, lifetimeMs, version, replacesKey = "" } = write;
      return (await run(
        WRITE, key, value, owner, idleMs, lifetimeMs, version, replacesKey, perUserMax,
        randomUUID(),
      )) as RecordWritten;
    },
    delete: (key) => run(DELETE, key),
    async deleteOwned(owner, exceptKey = ""): Promise<number> {
      return (await run(DELETE_OWNED, owner, exceptKey)) as number;
    },
  };
  return {
    open: () => table,
    close() {
      redis?.disconnect();
      redis = null;
    },
  };
}

function connect(url: string, timeoutMs: number): Redis {
  const redis = new Redis(url, {
    protocol: 2,
    // A request is not to wait for a Redis that is down longer than for one that is slow.
    commandTimeout: timeoutMs,
    maxRetriesPerRequest: 1,
  });
  redis.on("error", () => {}); // whoever asks is told
  return redis;
}
