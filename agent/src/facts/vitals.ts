// Load, CPU and memory of this moment, for the heartbeat.
import { readFileSync } from "node:fs";
import os from "node:os";

export interface Vitals {
  load1: number;
  /** 0..1 over all cores since the call before. */
  cpuFraction: number;
  memoryUsedBytes: number;
  memoryTotalBytes: number;
}

export function createVitals(): () => Vitals {
  let before = cpuTimes();
  return () => {
    const now = cpuTimes();
    const total = now.total - before.total;
    const idle = now.idle - before.idle;
    before = now;
    const totalBytes = os.totalmem();
    return {
      load1: os.loadavg()[0] ?? 0,
      cpuFraction: total > 0 ? Math.min(1, Math.max(0, 1 - idle / total)) : 0,
      memoryUsedBytes: totalBytes - availableBytes(),
      memoryTotalBytes: totalBytes,
    };
  };
}

function cpuTimes(): { total: number; idle: number } {
  let total = 0;
  let idle = 0;
  for (const { times } of os.cpus()) {
    total += times.user + times.nice + times.sys + times.idle + times.irq;
    idle += times.idle;
  }
  return { total, idle };
}

/** What a program could get: on Linux the kernel's estimate, which counts caches as free. */
function availableBytes(): number {
  if (process.platform !== "linux") return os.freemem();
  const match = /^MemAvailable:\s+(\d+) kB/m.exec(readFileSync("/proc/meminfo", "utf8"));
  return match ? Number(match[1]) * 1024 : os.freemem();
}
