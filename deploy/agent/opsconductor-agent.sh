#!/bin/sh
# Starts the agent with the Node that came with it, whatever else is installed on this host.
self=$(readlink -f "$0" 2>/dev/null) || self=$0
root=$(CDPATH='' cd -- "$(dirname -- "$self")/.." && pwd)
exec "$root/bin/node" "$root/lib/agent.mjs" "$@"
