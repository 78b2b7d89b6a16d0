#!/bin/sh
# Starts the agent with the Node that came with it, whatever else is installed on this host.
self=$(readlink -f "$0" 2>/dev/null) || self=$0
root=$(CDPATH='' cd -- "$(dirname -- "$self")/.." && pwd)
# An agent waits nearly always. Without compilers V8 takes a fifth less memory when idle and a third less under work, for
# 9 % more of the agent's CPU time in a step; young objects and freed memory are not kept for later.
export MALLOC_ARENA_MAX=1 MALLOC_TRIM_THRESHOLD_=65536
exec "$root/bin/node" --lite-mode --max-semi-space-size=1 "$root/lib/agent.mjs" "$@"
